// Sizes in whole units, as products on a GPU want them.
#ifndef BALEEN_MODEL_CUDA_ROUNDING_H_
#define BALEEN_MODEL_CUDA_ROUNDING_H_

#include <cstdint>

#include "kernels/cuda/base/quantize_row.h"

namespace baleen {

constexpr int64_t RoundUp(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

// Scales of so many channels.
constexpr int64_t ScaleBlocks(int64_t width) { return (width + cuda::kScaleBlock - 1) / cuda::kScaleBlock; }

// Of the scales of so many rows that a product reads (GemmArgs::x_scale_stride).
constexpr int64_t ScaleStride(int64_t rows) { return RoundUp(rows, 4); }

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_ROUNDING_H_
