// A shard's part of a batch <-> messages of baleen.v1.Expert/Exchange.
#ifndef BALEEN_SERVICES_ROUTER_CALL_CODEC_H_
#define BALEEN_SERVICES_ROUTER_CALL_CODEC_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/layers/expert_backend.h"
#include "services/router/dispatch_plan.h"
#include "transport/transport.h"

namespace baleen {

struct CallInfo {
  uint64_t call_id = 0;
  uint64_t epoch = 0;
  int64_t timeout_ms = 0;  // 0 = no deadline.
  std::string numerics_id;
};

Message EncodeCall(const ExpertBatch& batch, const ShardCall& call, const CallInfo& info);

// A call without rows, which a shard answers at once: tells that it is there and computes with this numerics_id.
Message EncodeHello(const std::string& numerics_id);

// INTERNAL unless the payload is `slots` outputs of the batch.
absl::Status CheckReply(const Payload& payload, size_t slots, const ExpertBatch& batch);
// Points batch.outputs at the outputs at `places` of call.slots, which stay in the payload; it has been checked.
void ScatterReply(const Payload& payload, const ShardCall& call, absl::Span<const size_t> places, const ExpertBatch& batch);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_CALL_CODEC_H_
