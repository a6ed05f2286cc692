#include "kernels/elementwise.h"

#include <cmath>

#include "kernels/isa.h"
#include "kernels/math.h"
#include "kernels/math_inline.h"

namespace baleen {
namespace {

constexpr int kLanes = 16;

// Sum of squares in 16 interleaved accumulators, folded by halves: one order for every instruction set.
float SumOfSquares(const float* x, int64_t width) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * x[i + lane];
  }
  for (int lane = 0; i + lane < width; ++lane) lanes[lane] += x[i + lane] * x[i + lane];
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

// Compiled three times for speed alone: without contraction the bits are those of the plain one.
__attribute__((always_inline)) inline void SwiGluLoop(float* gate, const float* up, int64_t count) {
  for (int64_t i = 0; i < count; ++i) gate[i] = gate[i] * static_cast<float>(math::SigmoidDouble(gate[i])) * up[i];
}

void SwiGluPlain(float* gate, const float* up, int64_t count) { SwiGluLoop(gate, up, count); }
__attribute__((target("avx2"))) void SwiGluAvx2(float* gate, const float* up, int64_t count) { SwiGluLoop(gate, up, count); }
__attribute__((target("avx512f,avx512dq,avx512vl"))) void SwiGluAvx512(float* gate, const float* up, int64_t count) {
  SwiGluLoop(gate, up, count);
}

}  // namespace

void RmsNorm(const float* x, int64_t ldx, const float* weight, float eps, int64_t rows, int64_t width, float* y, int64_t ldy) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* in = x + row * ldx;
    float* out = y + row * ldy;
    const float mean = SumOfSquares(in, width) / static_cast<float>(width);
    const float inverse = 1.0f / std::sqrt(mean + eps);
    for (int64_t i = 0; i < width; ++i) out[i] = weight[i] * (in[i] * inverse);
  }
}

void Rope(float* x, int64_t vectors, int64_t ldx, int64_t width, int64_t position, const float* frequencies, float magnitude) {
  for (int64_t pair = 0; pair < width / 2; ++pair) {
    float sine = 0;
    float cosine = 0;
    SinCos(static_cast<float>(position) * frequencies[pair], &sine, &cosine);
    sine *= magnitude;
    cosine *= magnitude;
    for (int64_t vector = 0; vector < vectors; ++vector) {
      float* const even = x + vector * ldx + 2 * pair;
      const float x0 = even[0];
      const float x1 = even[1];
      even[0] = x0 * cosine - x1 * sine;
      even[1] = x0 * sine + x1 * cosine;
    }
  }
}

void SwiGlu(float* gate, const float* up, int64_t count) {
  static void (*const run)(float*, const float*, int64_t) = Supported(Isa::kAvx512) ? SwiGluAvx512
                                                            : Supported(Isa::kAvx2) ? SwiGluAvx2
                                                                                    : SwiGluPlain;
  run(gate, up, count);
}

}  // namespace baleen
