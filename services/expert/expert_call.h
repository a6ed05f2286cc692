// A call to this shard, taken from the wire and checked.
#ifndef BALEEN_SERVICES_EXPERT_EXPERT_CALL_H_
#define BALEEN_SERVICES_EXPERT_EXPERT_CALL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/dtype.h"
#include "transport/transport.h"

namespace baleen {

struct ExpertCall {
  uint64_t call_id = 0;
  uint64_t epoch = 0;
  absl::Time deadline = absl::InfiniteFuture();
  int layer = 0;
  int64_t rows = 0;  // 0 = hello: the router asks whether this shard is there.
  std::vector<uint32_t> experts_per_row;
  std::vector<uint32_t> expert_ids;
  Payload input;            // [rows, hidden] in the shard's dtype.
  std::string traceparent;  // As it came; empty = not traced.
  absl::Time arrival;       // Of a traced call.
  // Answers the call; set by who took it from the stream. Thread-safe.
  std::function<void(Message)> reply;
};

// What a shard computes.
struct ExpertShape {
  int64_t hidden = 0;
  int64_t experts = 0;  // Routed experts of a layer.
  DType dtype = DType::kBf16;
  std::string numerics_id;
};

// Checks a header against the payload and the shape: INVALID_ARGUMENT for malformed or inconsistent calls, FAILED_PRECONDITION for
// another numerics_id. The call came at `now`. `*call_id` and `*epoch` are set as soon as the header parses, so that a refusal can name it.
absl::StatusOr<ExpertCall> ParseExpertCall(Message message, const ExpertShape& shape, absl::Time now, uint64_t* call_id, uint64_t* epoch);

// The reply with outputs [expert_ids.size(), hidden] in the shard's dtype.
Message EncodeReply(const ExpertCall& call, Payload outputs);
Message EncodeRefusal(uint64_t call_id, uint64_t epoch, const absl::Status& status);

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_EXPERT_CALL_H_
