#include "services/expert/merger.h"

#include "transport/values.h"

namespace baleen {

Merger::Merger(int64_t hidden, DType dtype) : hidden_(hidden), dtype_(dtype) {}

std::vector<Message> Merger::Compute(absl::Span<const ExpertCall> calls, const GroupedCompute& compute) {
  std::vector<Message> replies;
  if (calls.empty()) return replies;
  int64_t row_count = 0;
  std::vector<uint32_t> experts_per_row;
  std::vector<uint32_t> expert_ids;
  for (const ExpertCall& call : calls) {
    row_count += call.rows;
    experts_per_row.insert(experts_per_row.end(), call.experts_per_row.begin(), call.experts_per_row.end());
    expert_ids.insert(expert_ids.end(), call.expert_ids.begin(), call.expert_ids.end());
  }
  rows_.resize(static_cast<size_t>(row_count * hidden_));
  out_.resize(expert_ids.size() * static_cast<size_t>(hidden_));
  float* to = rows_.data();
  for (const ExpertCall& call : calls) {
    ValuesFromWire(call.input.data, call.rows * hidden_, dtype_, to);
    to += call.rows * hidden_;
  }
  compute(calls.front().layer, rows_.data(), row_count, experts_per_row, expert_ids, out_.data());
  const float* from = out_.data();
  for (const ExpertCall& call : calls) {
    replies.push_back(EncodeReply(call, from, hidden_, dtype_));
    from += static_cast<int64_t>(call.expert_ids.size()) * hidden_;
  }
  return replies;
}

}  // namespace baleen
