#include "services/expert/merger.h"

#include <cstddef>
#include <memory>

#include "base/status_macros.h"

namespace baleen {

namespace {

void AppendSlots(const ExpertCall& call, int64_t row_bytes, std::byte* output, std::vector<ExpertSlot>* slots) {
  const std::byte* input = call.input.data;
  const uint32_t* expert = call.expert_ids.data();
  for (const uint32_t count : call.experts_per_row) {
    for (uint32_t k = 0; k < count; ++k, ++expert, output += row_bytes) slots->push_back({*expert, input, output});
    input += row_bytes;
  }
}

}  // namespace

absl::StatusOr<std::vector<Message>> ComputeMerged(absl::Span<const ExpertCall> calls, int64_t hidden, DType dtype,
                                                   const HeldExperts& experts) {
  std::vector<Message> replies;
  if (calls.empty()) return replies;
  const int64_t row_bytes = hidden * static_cast<int64_t>(SizeOf(dtype));
  std::vector<ExpertSlot> slots;
  for (const ExpertCall& call : calls) {
    const size_t size = call.expert_ids.size() * static_cast<size_t>(row_bytes);
    ASSIGN_OR_RETURN(const std::shared_ptr<std::byte[]> bytes, experts.ReplyMemory(size));
    AppendSlots(call, row_bytes, bytes.get(), &slots);
    replies.push_back(EncodeReply(call, {bytes, bytes.get(), size}));
  }
  RETURN_IF_ERROR(experts.Compute(calls.front().layer, slots));
  return replies;
}

}  // namespace baleen
