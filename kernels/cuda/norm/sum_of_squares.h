// The sum of squares of a row in the order in which the kernel takes it, on the host.
#ifndef BALEEN_KERNELS_CUDA_NORM_SUM_OF_SQUARES_H_
#define BALEEN_KERNELS_CUDA_NORM_SUM_OF_SQUARES_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace baleen::cuda {

// Eight warps take blocks of 128 channels in turn, each lane four channels; then lanes pair up, and warps follow in order.
inline float SumOfSquaresOnHost(const float* x, int64_t width) {
  float total = 0;
  for (int64_t warp = 0; warp < 8; ++warp) {
    std::array<float, 32> lanes = {};
    for (int64_t begin = warp * 128; begin < width; begin += 8 * 128) {
      for (int64_t c = begin; c < std::min(width, begin + 128); ++c) {
        float& sum = lanes[static_cast<size_t>(c % 128 / 4)];
        sum = std::fmaf(x[c], x[c], sum);
      }
    }
    for (size_t step = 16; step > 0; step /= 2) {
      for (size_t lane = 0; lane < step; ++lane) lanes[lane] += lanes[lane + step];
    }
    total += lanes[0];
  }
  return total;
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_NORM_SUM_OF_SQUARES_H_
