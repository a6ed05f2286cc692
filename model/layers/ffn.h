// SwiGLU feed-forward (model spec section 3.5).
#ifndef BALEEN_MODEL_LAYERS_FFN_H_
#define BALEEN_MODEL_LAYERS_FFN_H_

#include <cstdint>

#include "base/thread_pool.h"
#include "model/weights/mlp_weights.h"

namespace baleen {

// y = down(silu(gate x) * (up x)); x, y [rows, hidden]; gate_scratch and up_scratch [rows, inner]; no aliasing. Row-invariant.
// `pool` may be null.
void ApplyMlp(const MlpWeights& weights, const float* x, int64_t rows, float* gate_scratch, float* up_scratch, float* y, ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_FFN_H_
