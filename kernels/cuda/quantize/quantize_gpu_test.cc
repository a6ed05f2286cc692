#include <algorithm>
#include <cmath>

#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/quantize/quantize.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectOk;

// The host's arithmetic, to the bit.
void Check(int64_t rows, int64_t width, int64_t ldx, float magnitude) {
  const int64_t blocks = (width + 127) / 128;
  const int64_t stride = rows + 1;
  const std::vector<Bf16> x = testing::RandomBf16(static_cast<size_t>(rows * ldx), 1, magnitude);
  const DeviceArray<Bf16> device_x(x);
  DeviceArray<uint8_t> device_codes(static_cast<size_t>(rows * width));
  DeviceArray<float> device_scales(static_cast<size_t>(blocks * stride));
  ExpectOk(Quantize({rows, width, device_x.data(), ldx, device_codes.data(), device_scales.data(), stride}, nullptr));
  const std::vector<uint8_t> codes = device_codes.Download();
  const std::vector<float> scales = device_scales.Download();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t end = std::min(width, (block + 1) * 128);
      const auto value = [&](int64_t c) { return Bf16ToF32(x[static_cast<size_t>(row * ldx + c)]); };
      float greatest = 0;
      for (int64_t c = block * 128; c < end; ++c) greatest = std::fmax(greatest, std::fabs(value(c)));
      const BlockScale scale = ScaleOf(greatest);
      Expect(scales[static_cast<size_t>(block * stride + row)] == scale.scale, "scale of row " + std::to_string(row));
      for (int64_t c = block * 128; c < end; ++c) {
        Expect(codes[static_cast<size_t>(row * width + c)] == F32ToF8E4m3(value(c) * scale.inverse), "code of row " + std::to_string(row));
      }
    }
  }
}

BALEEN_GPU_TEST(QuantizeMatchesTheHost) {
  for (const float magnitude : {1e-7f, 1.0f, 1e4f}) {
    Check(1, 16, 16, magnitude);
    Check(5, 208, 216, magnitude);
    Check(33, 16384, 16384, magnitude);
  }
}

}  // namespace
}  // namespace baleen::cuda
