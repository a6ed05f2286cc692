#include "kernels/math.h"

#include "kernels/math_inline.h"

namespace baleen {

float Exp(float x) { return math::Exp(x); }

float Log(float x) { return math::Log(x); }

void SinCos(float angle, float* sine, float* cosine) { math::SinCos(angle, sine, cosine); }

float Sigmoid(float x) { return math::Sigmoid(x); }

}  // namespace baleen
