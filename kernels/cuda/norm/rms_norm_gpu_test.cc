#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "kernels/cuda/norm/sum_of_squares.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectClose;
using testing::ExpectOk;

struct Result {
  std::vector<Bf16> normed;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  std::vector<float> x;
};

Result Run(const std::vector<float>& x, const std::vector<Bf16>& add, const std::vector<float>& weight, int64_t rows, int64_t width) {
  const DeviceArray<float> device_x(x);
  const DeviceArray<Bf16> device_add(add);
  const DeviceArray<float> device_weight(weight);
  DeviceArray<Bf16> normed(static_cast<size_t>(rows * width));
  DeviceArray<uint8_t> codes(static_cast<size_t>(rows * width));
  DeviceArray<float> scales(static_cast<size_t>((width + 127) / 128 * (rows + 3)));
  RmsNormArgs args;
  args.rows = rows;
  args.width = args.ldx = width;
  args.x = device_x.data();
  args.add = add.empty() ? nullptr : device_add.data();
  args.weight = device_weight.data();
  args.eps = 1e-6f;
  args.normed = normed.data();
  args.codes = codes.data();
  args.scales = scales.data();
  args.scale_stride = rows + 3;
  ExpectOk(RmsNorm(args, nullptr));
  return {normed.Download(), codes.Download(), scales.Download(), device_x.Download()};
}

// The host's arithmetic, to the bit.
void CheckBits(const Result& result, const std::vector<float>& x, const std::vector<float>& weight, int64_t rows, const std::string& what) {
  const int64_t width = static_cast<int64_t>(weight.size());
  for (int64_t row = 0; row < rows; ++row) {
    const float* const from = x.data() + row * width;
    const float inverse = 1.0f / std::sqrt(SumOfSquaresOnHost(from, width) / static_cast<float>(width) + 1e-6f);
    for (int64_t begin = 0; begin < width; begin += 128) {
      const int64_t end = std::min(width, begin + 128);
      std::vector<float> values;
      float greatest = 0;
      for (int64_t c = begin; c < end; ++c) {
        values.push_back(weight[static_cast<size_t>(c)] * (from[c] * inverse));
        greatest = std::max(greatest, std::fabs(values.back()));
      }
      const BlockScale scale = ScaleOf(greatest);
      bool same = result.scales[static_cast<size_t>(begin / 128 * (rows + 3) + row)] == scale.scale;
      for (int64_t c = begin; c < end; ++c) {
        const size_t at = static_cast<size_t>(row * width + c);
        const float value = values[static_cast<size_t>(c - begin)];
        same = same && result.normed[at] == F32ToBf16(value) && result.codes[at] == F32ToF8E4m3(value * scale.inverse);
      }
      Expect(same, what + ": bits of row " + std::to_string(row) + " from channel " + std::to_string(begin));
    }
  }
}

void Check(int64_t rows, int64_t width, float magnitude, bool with_add) {
  const size_t size = static_cast<size_t>(rows * width);
  std::vector<float> x = testing::RandomF32(size, 1, magnitude);
  const std::vector<Bf16> add = with_add ? testing::RandomBf16(size, 2, magnitude) : std::vector<Bf16>();
  const std::vector<float> weight = testing::RandomF32(static_cast<size_t>(width), 3);
  const Result result = Run(x, add, weight, rows, width);
  for (size_t i = 0; i < add.size(); ++i) x[i] += Bf16ToF32(add[i]);
  Expect(std::memcmp(x.data(), result.x.data(), size * sizeof(float)) == 0, "what was added");
  std::vector<double> reference, normed, quantised;
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (int64_t c = 0; c < width; ++c)
      sum += static_cast<double>(x[static_cast<size_t>(row * width + c)]) * x[static_cast<size_t>(row * width + c)];
    const double inverse = 1 / std::sqrt(sum / static_cast<double>(width) + 1e-6);
    for (int64_t c = 0; c < width; ++c) {
      const size_t at = static_cast<size_t>(row * width + c);
      reference.push_back(weight[static_cast<size_t>(c)] * x[at] * inverse);
      normed.push_back(Bf16ToF32(result.normed[at]));
      quantised.push_back(static_cast<double>(F8E4m3ToF32(result.codes[at])) *
                          result.scales[static_cast<size_t>(c / 128 * (rows + 3) + row)]);
    }
  }
  const std::string what = std::to_string(rows) + " x " + std::to_string(width) + " of " + std::to_string(magnitude);
  CheckBits(result, x, weight, rows, what);
  ExpectClose(normed, reference, 3e-3, "normed " + what);
  ExpectClose(quantised, reference, 4e-2, "quantised " + what);
}

BALEEN_GPU_TEST(RmsNormAgreesWithDoubles) {
  for (const bool with_add : {false, true}) {
    Check(1, 16, 1, with_add);
    Check(7, 192, 1, with_add);
    Check(33, 7168, 1, with_add);
    Check(3, 16384, 1, with_add);
    Check(2, 7184, 1, with_add);
    Check(5, 1536, 1e-3f, with_add);
    Check(5, 1536, 1e6f, with_add);
  }
}

// All zeros: finite scales, codes 0.
BALEEN_GPU_TEST(RmsNormOfZeros) {
  const Result result = Run(std::vector<float>(256, 0.0f), {}, std::vector<float>(256, 1.0f), 1, 256);
  for (const uint8_t code : result.codes) Expect(code == 0, "a code of zero");
  Expect(result.scales[0] == ScaleOf(0).scale, "the scale of zeros");
}

BALEEN_GPU_TEST(RmsNormRowsAreInvariant) {
  const std::vector<float> x = testing::RandomF32(9 * 7168, 5);
  const std::vector<float> weight = testing::RandomF32(7168, 6);
  const Result together = Run(x, {}, weight, 9, 7168);
  for (const int64_t row : {0, 4, 8}) {
    const Result alone = Run({x.begin() + row * 7168, x.begin() + (row + 1) * 7168}, {}, weight, 1, 7168);
    Expect(std::memcmp(alone.codes.data(), together.codes.data() + row * 7168, 7168) == 0, "codes differ alone");
    Expect(std::memcmp(alone.normed.data(), together.normed.data() + row * 7168, 7168 * 2) == 0, "a row differs alone");
  }
}

}  // namespace
}  // namespace baleen::cuda
