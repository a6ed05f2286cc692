// The sum over a token's experts, in an order that placement cannot change.
#ifndef BALEEN_MODEL_LAYERS_COMBINE_H_
#define BALEEN_MODEL_LAYERS_COMBINE_H_

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "base/thread_pool.h"

namespace baleen {

// residual[r] += sum_k expert_weights[r][k] * outputs[r][k] + shared[r], in FP32; k ascends (expert ids do too), the shared expert comes
// last. outputs [rows, top_k] point to [hidden] in `wire`, maybe unaligned; expert_weights [rows, top_k]; shared [rows, hidden] or null;
// residual [rows, hidden].
void CombineExperts(const std::byte* const* outputs, DType wire, const float* expert_weights, const float* shared, int64_t rows,
                    int64_t top_k, int64_t hidden, float* residual, ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_COMBINE_H_
