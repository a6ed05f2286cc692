// Many calls of one layer as one grouped computation.
#ifndef BALEEN_SERVICES_EXPERT_MERGER_H_
#define BALEEN_SERVICES_EXPERT_MERGER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/dtype.h"
#include "services/expert/expert_call.h"
#include "services/expert/held_experts.h"

namespace baleen {

// Computes `calls`, all of one layer and checked against what `experts` holds, at once, with rows of `hidden` values in `dtype`; replies
// stand in the order of the calls. Outputs are computed where they are sent from. Which calls are merged never changes a reply. Errors are
// those of `experts`.
absl::StatusOr<std::vector<Message>> ComputeMerged(absl::Span<const ExpertCall> calls, int64_t hidden, DType dtype,
                                                   const HeldExperts& experts);

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_MERGER_H_
