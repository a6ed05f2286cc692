#include "model/layers/row_ops.h"

#include "base/parallel_for.h"
#include "kernels/elementwise.h"

namespace baleen {
namespace {

constexpr int64_t kNormGrain = 16;  // Rows; waking a thread costs more than norming fewer.

}  // namespace

void NormRows(const float* x, int64_t ldx, const float* weight, double eps, int64_t rows, int64_t width, float* y, int64_t ldy,
              ThreadPool* pool) {
  ParallelFor(pool, rows, kNormGrain, [&](int64_t begin, int64_t end) {
    RmsNorm(x + begin * ldx, ldx, weight, static_cast<float>(eps), end - begin, width, y + begin * ldy, ldy);
  });
}

void AddInPlace(float* x, const float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] += y[i];
}

}  // namespace baleen
