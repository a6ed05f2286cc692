#include <algorithm>
#include <cmath>

#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/base/sigmoid.h"
#include "kernels/cuda/swiglu/swiglu.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectOk;

struct Result {
  std::vector<Bf16> out;
  std::vector<uint8_t> codes;
  std::vector<float> scales;
};

Result Run(SwiGluArgs args, const std::vector<Bf16>& gate_up) {
  const DeviceArray<Bf16> device(gate_up);
  const size_t size = static_cast<size_t>(args.rows * args.inner);
  DeviceArray<Bf16> out(size);
  DeviceArray<uint8_t> codes(size);
  DeviceArray<float> scales(static_cast<size_t>((args.inner + 127) / 128 * args.rows));
  args.gate_up = device.data();
  args.out = out.data();
  args.codes = codes.data();
  args.scales = scales.data();
  args.scale_stride = args.rows;
  ExpectOk(SwiGlu(args, nullptr));
  return {out.Download(), codes.Download(), scales.Download()};
}

// The host's arithmetic, to the bit.
void CheckRow(const Result& result, const std::vector<Bf16>& gate_up, int64_t rows, int64_t inner, int64_t row) {
  for (int64_t begin = 0; begin < inner; begin += 128) {
    const int64_t end = std::min(inner, begin + 128);
    std::vector<float> values;
    for (int64_t c = begin; c < end; ++c) {
      const float gate = Bf16ToF32(gate_up[static_cast<size_t>(row * 2 * inner + c)]);
      const float up = Bf16ToF32(gate_up[static_cast<size_t>((row * 2 + 1) * inner + c)]);
      values.push_back(gate * SigmoidF32(gate) * up);
      Expect(result.out[static_cast<size_t>(row * inner + c)] == F32ToBf16(values.back()), "out of row " + std::to_string(row));
    }
    float greatest = 0;
    for (const float value : values) greatest = std::max(greatest, std::fabs(value));
    const BlockScale scale = ScaleOf(greatest);
    Expect(result.scales[static_cast<size_t>(begin / 128 * rows + row)] == scale.scale, "scale of row " + std::to_string(row));
    for (int64_t c = begin; c < end; ++c) {
      Expect(result.codes[static_cast<size_t>(row * inner + c)] == F32ToF8E4m3(values[static_cast<size_t>(c - begin)] * scale.inverse),
             "code of row " + std::to_string(row));
    }
  }
}

BALEEN_GPU_TEST(SwiGluMatchesTheHost) {
  for (const int64_t inner : {16, 96, 512, 2048}) {
    for (const float magnitude : {1e-3f, 1.0f, 50.0f}) {
      SwiGluArgs args;
      args.rows = 5;
      args.inner = inner;
      const std::vector<Bf16> gate_up = testing::RandomBf16(static_cast<size_t>(5 * 2 * inner), 1, magnitude);
      const Result result = Run(args, gate_up);
      for (int64_t row = 0; row < 5; ++row) CheckRow(result, gate_up, 5, inner, row);
    }
  }
}

BALEEN_GPU_TEST(SwiGluLeavesMaskedRows) {
  const std::vector<int32_t> counts = {2, 0, 4};
  const DeviceArray<int32_t> group_rows(counts);
  SwiGluArgs args;
  args.rows = 12;
  args.inner = 128;
  args.grouping = RowGroups::kMasked;
  args.groups = 3;
  args.group_rows = group_rows.data();
  const std::vector<Bf16> gate_up = testing::RandomBf16(12 * 256, 2);
  const Result result = Run(args, gate_up);
  for (int64_t row = 0; row < 12; ++row) {
    if (row % 4 < counts[static_cast<size_t>(row / 4)]) {
      CheckRow(result, gate_up, 12, 128, row);
    } else {
      for (int64_t c = 0; c < 128; ++c) Expect(result.codes[static_cast<size_t>(row * 128 + c)] == 0xff, "a masked row was written");
    }
  }
}

}  // namespace
}  // namespace baleen::cuda
