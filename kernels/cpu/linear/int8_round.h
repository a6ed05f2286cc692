// Symmetric INT8 by blocks of input channels: the formula that all instruction sets share.
#ifndef BALEEN_KERNELS_CPU_LINEAR_INT8_ROUND_H_
#define BALEEN_KERNELS_CPU_LINEAR_INT8_ROUND_H_

#include <cstdint>

namespace baleen::linear {

// codes [count] = x * (127 / greatest |x|) to nearest, ties to even, in [-127, 127]; returns the scale, greatest |x| / 127.
// A block of next to nothing (kLeastInt8Magnitude) gives zeros and scale 0; one with an infinity or NaN gives zeros and scale NaN.
float RoundInt8Block(const float* x, int64_t count, int8_t* codes);

// Writes x [k] to out as Inputs::kInt8 has it.
void RoundInt8Row(const float* x, int64_t k, void* out, int64_t ld);

}  // namespace baleen::linear

#endif  // BALEEN_KERNELS_CPU_LINEAR_INT8_ROUND_H_
