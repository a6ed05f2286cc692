// Row operations between the matrix products. All row-invariant, all FP32 inside, exp/sin/cos/log our own
// (kernels/math.h), so that libm's dispatch cannot change a bit.
#ifndef BALEEN_KERNELS_ELEMENTWISE_H_
#define BALEEN_KERNELS_ELEMENTWISE_H_

#include <cstdint>

namespace baleen {

// y[r] = weight * x[r] * rsqrt(mean(x[r]^2) + eps), one rounding; x, y [rows, width] with strides; may alias exactly.
void RmsNorm(const float* x, int64_t ldx, const float* weight, float eps, int64_t rows, int64_t width, float* y, int64_t ldy);

// Rotates interleaved pairs (x[2i], x[2i+1]) by position * frequencies[i] in place; angle = FP32 product (model spec
// section 4). x [vectors, width]; `magnitude` multiplies cos and sin (YaRN).
void Rope(float* x, int64_t vectors, int64_t ldx, int64_t width, int64_t position, const float* frequencies, float magnitude);

// gate[i] = silu(gate[i]) * up[i], in place.
void SwiGlu(float* gate, const float* up, int64_t count);

}  // namespace baleen

#endif  // BALEEN_KERNELS_ELEMENTWISE_H_
