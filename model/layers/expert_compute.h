// Routed experts over a batch of rows: what a shard and the in-process backend both run.
#ifndef BALEEN_MODEL_LAYERS_EXPERT_COMPUTE_H_
#define BALEEN_MODEL_LAYERS_EXPERT_COMPUTE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "base/thread_pool.h"
#include "model/weights/expert_weights.h"

namespace baleen {

// Rows of one layer, each with its own list of experts.
// rows [row_count, hidden], rounded to the wire type; experts_per_row [row_count]; expert_ids: the rows' lists one after the
// other, so its size is the sum of experts_per_row (any order within a row). out [expert_ids.size(), hidden]: the unweighted
// output of each (row, expert) in the order of expert_ids, rounded to the wire type; overwritten.
// Rows of one expert run as one grouped product; every output depends on its own row alone, to the bit. All experts must be
// held. `pool` may be null (one thread).
void ComputeExperts(const ExpertWeights& weights, int layer, const float* rows, int64_t row_count,
                    absl::Span<const uint32_t> experts_per_row, absl::Span<const uint32_t> expert_ids, float* out, ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_EXPERT_COMPUTE_H_
