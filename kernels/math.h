// Elementary functions with the same bits on every machine: FP32 in and out, fixed operation order, no libm.
#ifndef BALEEN_KERNELS_MATH_H_
#define BALEEN_KERNELS_MATH_H_

namespace baleen {

float Exp(float x);  // <= 2 ulp; 0 below -104, inf above 88.8.
float Log(float x);  // <= 2 ulp on positive normal x.
// Abs error <= 2e-7 for |angle| <= 2^18, growing beyond; NaN above 2^30.
void SinCos(float angle, float* sine, float* cosine);
float Sigmoid(float x);

}  // namespace baleen

#endif  // BALEEN_KERNELS_MATH_H_
