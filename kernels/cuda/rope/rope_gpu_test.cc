#include <cmath>

#include "kernels/cuda/rope/rope.h"
#include "kernels/cuda/rope/rotate.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectOk;

std::vector<float> Frequencies(int width) {
  std::vector<float> frequencies;
  for (int i = 0; i < width / 2; ++i) frequencies.push_back(static_cast<float>(std::pow(10000.0, -2.0 * i / width)));
  return frequencies;
}

// The host's arithmetic, to the bit; what lies between vectors stays as it was.
BALEEN_GPU_TEST(RopeMatchesTheHost) {
  const int heads = 128, width = 64, x_stride = 192, y_stride = 576;
  const std::vector<int32_t> positions = {0, 1, 4095, 163839};
  const size_t rows = positions.size();
  const std::vector<Bf16> x = testing::RandomBf16(rows * heads * x_stride, 1);
  const std::vector<float> frequencies = Frequencies(width);
  const DeviceArray<Bf16> device_x(x);
  const DeviceArray<int32_t> device_positions(positions);
  const DeviceArray<float> device_frequencies(frequencies);
  DeviceArray<Bf16> y(rows * heads * y_stride);
  RopeArgs args;
  args.rows = static_cast<int64_t>(rows);
  args.heads = heads;
  args.width = width;
  args.x = device_x.data() + 128;
  args.x_row_stride = heads * x_stride;
  args.x_head_stride = x_stride;
  args.y = y.data() + 512;
  args.y_row_stride = heads * y_stride;
  args.y_head_stride = y_stride;
  args.positions = device_positions.data();
  args.frequencies = device_frequencies.data();
  args.magnitude = 1.1f;
  ExpectOk(Rope(args, nullptr));
  const std::vector<Bf16> out = y.Download();
  for (size_t row = 0; row < rows; ++row) {
    for (size_t head = 0; head < heads; ++head) {
      const size_t to = (row * heads + head) * y_stride;
      Expect(out[to + 511] == 0xffff, "a channel before the rotated ones was written");
      for (size_t pair = 0; pair < width / 2; ++pair) {
        const size_t from = (row * heads + head) * x_stride + 128 + 2 * pair;
        const ChannelPair rotated =
            Rotate({Bf16ToF32(x[from]), Bf16ToF32(x[from + 1])}, RotationAt(positions[row], frequencies[pair], 1.1f));
        Expect(out[to + 512 + 2 * pair] == F32ToBf16(rotated.even) && out[to + 513 + 2 * pair] == F32ToBf16(rotated.odd),
               "row " + std::to_string(row) + " pair " + std::to_string(pair));
      }
    }
  }
}

}  // namespace
}  // namespace baleen::cuda
