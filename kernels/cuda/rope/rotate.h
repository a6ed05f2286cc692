// One pair of channels rotated, as kernels/elementwise.h's Rope does it: the same bits on host and device.
#ifndef BALEEN_KERNELS_CUDA_ROPE_ROTATE_H_
#define BALEEN_KERNELS_CUDA_ROPE_ROTATE_H_

#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/math_inline.h"

namespace baleen::cuda {

struct Rotation {
  float sine;
  float cosine;
};

// By position * frequency; `magnitude` multiplies both (YaRN).
BALEEN_HOST_DEVICE inline Rotation RotationAt(int64_t position, float frequency, float magnitude) {
  Rotation rotation;
  math::SinCos(static_cast<float>(position) * frequency, &rotation.sine, &rotation.cosine);
  rotation.sine *= magnitude;
  rotation.cosine *= magnitude;
  return rotation;
}

struct ChannelPair {
  float even;
  float odd;
};

BALEEN_HOST_DEVICE constexpr ChannelPair Rotate(ChannelPair x, Rotation by) {
  return {x.even * by.cosine - x.odd * by.sine, x.even * by.sine + x.odd * by.cosine};
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_ROPE_ROTATE_H_
