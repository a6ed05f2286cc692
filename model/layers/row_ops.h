// Row-wise steps spread over the pool; each row is computed on its own.
#ifndef BALEEN_MODEL_LAYERS_ROW_OPS_H_
#define BALEEN_MODEL_LAYERS_ROW_OPS_H_

#include <cstdint>

#include "base/thread_pool.h"

namespace baleen {

// y = RMSNorm(x) * weight; x, y [rows, width] with row strides; may alias exactly.
void NormRows(const float* x, int64_t ldx, const float* weight, double eps, int64_t rows, int64_t width, float* y, int64_t ldy,
              ThreadPool* pool);

// x += y, both [count].
void AddInPlace(float* x, const float* y, int64_t count);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_ROW_OPS_H_
