// Calls to an expert shard: one that is accepted is consistent with its payload and with the shard, and its reply fits a message.

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "proto/baleen/v1/expert.pb.h"
#include "services/expert/expert_call.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/limits.h"

namespace baleen {
namespace {

void CheckCall(const ExpertCall& call, const ExpertShape& shape) {
  const size_t row_bytes = static_cast<size_t>(shape.hidden) * SizeOf(shape.dtype);
  Require(call.input.size == static_cast<size_t>(call.rows) * row_bytes, "the payload has the rows");
  Require(static_cast<int64_t>(call.experts_per_row.size()) == call.rows, "each row has a count");
  const uint64_t listed = std::accumulate(call.experts_per_row.begin(), call.experts_per_row.end(), uint64_t{0});
  Require(listed == call.expert_ids.size(), "the counts are those of the ids");
  for (const uint32_t id : call.expert_ids) Require(id < shape.experts, "ids are the layer's");
  Require(call.layer >= 0, "a layer");
  const Message reply = EncodeReply(call, Payload::Own(std::vector<std::byte>(call.expert_ids.size() * row_bytes)));
  Require(reply.payload.size == call.expert_ids.size() * row_bytes && reply.payload.size <= kMaxPayloadBytes, "the reply fits");
  v1::ExpertReplyHeader header;
  Require(header.ParseFromString(reply.header) && header.call_id() == call.call_id && header.code() == 0, "the reply names the call");
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  ExpertShape shape{.hidden = 4, .experts = 8, .dtype = DType::kF32, .numerics_id = "n"};
  if ((input.Byte() & 1) != 0) shape.dtype = DType::kBf16;
  Message message;
  const uint8_t header_bytes = input.Byte();
  message.header = input.Bytes(header_bytes);
  message.payload = Payload::Own(input.Rest());
  uint64_t call_id = 0, epoch = 0;
  const absl::StatusOr<ExpertCall> call = ParseExpertCall(message, shape, absl::UnixEpoch(), &call_id, &epoch);
  if (call.ok()) {
    CheckCall(*call, shape);
    Require(call->call_id == call_id && call->epoch == epoch, "the caller hears which call it is");
    return 0;
  }
  const Message refusal = EncodeRefusal(call_id, epoch, call.status());
  v1::ExpertReplyHeader header;
  Require(header.ParseFromString(refusal.header) && header.code() != 0 && header.call_id() == call_id, "a refusal names the call");
  return 0;
}
