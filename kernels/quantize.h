// Weights into E4M3 with block scales (model spec section 2), for checkpoints that are not FP8 themselves.
#ifndef BALEEN_KERNELS_QUANTIZE_H_
#define BALEEN_KERNELS_QUANTIZE_H_

#include <cstdint>
#include <vector>

#include "kernels/e4m3.h"  // IWYU pragma: export
#include "kernels/linear.h"

namespace baleen {

// An FP8 weight that owns its memory; `view` points into it, so it moves but is not copied.
struct Fp8Weight {
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  WeightView view;
};

// Blocks of 128 x 128 from the view's first row; each scale is the block's greatest magnitude / 448; where that is
// next to nothing, 1, and the codes are zeros.
Fp8Weight QuantizeFp8(const WeightView& view);

}  // namespace baleen

#endif  // BALEEN_KERNELS_QUANTIZE_H_
