// Many calls of one layer as one grouped computation.
#ifndef BALEEN_SERVICES_EXPERT_MERGER_H_
#define BALEEN_SERVICES_EXPERT_MERGER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/types/span.h"
#include "base/dtype.h"
#include "model/layers/expert_compute.h"
#include "services/expert/expert_call.h"

namespace baleen {

// Writes the outputs of one layer's slots; see ComputeExperts.
using GroupedCompute = std::function<void(int layer, absl::Span<const ExpertSlot> slots)>;

// Computes `calls`, all of one layer and checked against its weights, at once, with rows of `hidden` values in `dtype`; replies stand in
// the order of the calls. Outputs are computed where they are sent from. Which calls are merged never changes a reply.
std::vector<Message> ComputeMerged(absl::Span<const ExpertCall> calls, int64_t hidden, DType dtype, const GroupedCompute& compute);

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_MERGER_H_
