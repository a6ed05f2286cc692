#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/tile_schedule.h"

namespace baleen::cuda {
namespace {

constexpr int64_t kLanes = 16;  // Sums side by side, so that a compiler may use vectors; the order depends on `count` alone.

float Dot(const float* x, const float* w, int64_t count) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * w[i + lane];
  }
  for (; i < count; ++i) lanes[i % kLanes] += x[i] * w[i];
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

void ToFloats(const void* from, DType type, int64_t begin, int64_t count, float* to) {
  if (type == DType::kBf16) {
    std::transform(static_cast<const Bf16*>(from) + begin, static_cast<const Bf16*>(from) + begin + count, to, Bf16ToF32);
    return;
  }
  static const std::array<float, 256> kValues = [] {
    std::array<float, 256> values;
    for (size_t code = 0; code < values.size(); ++code) values[code] = F8E4m3ToF32(static_cast<uint8_t>(code));
    return values;
  }();
  const uint8_t* const codes = static_cast<const uint8_t*>(from) + begin;
  std::transform(codes, codes + count, to, [](uint8_t code) { return kValues[code]; });
}

// One output of one row. FP8: the sums of each 128 inputs are scaled and added in order.
float Product(const GemmArgs& args, int64_t row, const float* x, const float* w, const float* w_scale) {
  if (args.input == DType::kBf16) return Dot(x, w, args.inputs);
  float total = 0;
  for (int64_t begin = 0; begin < args.inputs; begin += kScaleBlock) {
    const int64_t block = begin / kScaleBlock;
    const float scale = args.x_scale[block * args.x_scale_stride + row] * w_scale[block];
    total = std::fma(Dot(x + begin, w + begin, std::min<int64_t>(kScaleBlock, args.inputs - begin)), scale, total);
  }
  return total;
}

void MultiplyGroup(const GemmArgs& args, int group) {
  const RowRange range = RowsOfGroup(args.grouping, args.group_rows, args.groups, args.rows, group);
  const bool batched = args.grouping == RowGroups::kBatched;
  const int64_t x_shift = batched ? group * args.group_x_stride : 0;
  const int64_t y_shift = batched ? group * args.group_y_stride : 0;
  const int64_t k_blocks = Ceiling(args.inputs, kScaleBlock);
  const int64_t n_blocks = Ceiling(args.outputs, kScaleBlock);
  std::vector<float> x(static_cast<size_t>(std::max<int64_t>(range.count, 0) * args.inputs));
  for (int64_t i = 0; i < range.count; ++i) {
    ToFloats(args.x, args.input, (range.begin + i) * args.ldx + x_shift, args.inputs, x.data() + i * args.inputs);
  }
  std::vector<float> w(static_cast<size_t>(args.inputs));
  for (int64_t n = 0; n < args.outputs; ++n) {
    if (range.count <= 0) return;
    ToFloats(args.w, args.input, (group * args.outputs + n) * args.inputs, args.inputs, w.data());
    const float* const w_scale = args.w_scale == nullptr ? nullptr : args.w_scale + (group * n_blocks + n / kScaleBlock) * k_blocks;
    for (int64_t i = 0; i < range.count; ++i) {
      const int64_t row = range.begin + i;
      const float sum = Product(args, row, x.data() + i * args.inputs, w.data(), w_scale);
      const int64_t at = row * args.ldy + y_shift + n;
      if (args.output == DType::kBf16) {
        static_cast<Bf16*>(args.y)[at] = F32ToBf16(sum);
      } else {
        static_cast<float*>(args.y)[at] = sum;
      }
    }
  }
}

}  // namespace

Status Gemm(const GemmArgs& args, Stream stream) {
  if (std::string problem = GemmProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  EnqueueOnHost(stream, [args] {
    for (int group = 0; group < args.groups; ++group) MultiplyGroup(args, group);
  });
  return Status();
}

}  // namespace baleen::cuda
