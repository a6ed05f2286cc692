// Many calls of one layer as one grouped computation.
#ifndef BALEEN_SERVICES_EXPERT_MERGER_H_
#define BALEEN_SERVICES_EXPERT_MERGER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/types/span.h"
#include "base/dtype.h"
#include "services/expert/expert_call.h"

namespace baleen {

// rows [row_count, hidden] -> out [expert_ids.size(), hidden]; see ComputeExperts (model/layers/expert_compute.h).
using GroupedCompute = std::function<void(int layer, const float* rows, int64_t row_count, absl::Span<const uint32_t> experts_per_row,
                                          absl::Span<const uint32_t> expert_ids, float* out)>;

// Reuses its buffers; one caller at a time.
class Merger {
 public:
  Merger(int64_t hidden, DType dtype);

  // Computes `calls`, all of one layer and checked against its weights, at once; replies stand in the order of the calls. Which calls
  // are merged never changes a reply.
  std::vector<Message> Compute(absl::Span<const ExpertCall> calls, const GroupedCompute& compute);

 private:
  const int64_t hidden_;
  const DType dtype_;
  std::vector<float> rows_;
  std::vector<float> out_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_MERGER_H_
