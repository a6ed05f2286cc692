#include <cmath>
#include <vector>

#include "kernels/cuda/base/host_rows.h"
#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "kernels/cuda/norm/sum_of_squares.h"

namespace baleen::cuda {
namespace {

void NormRow(const RmsNormArgs& args, int64_t row) {
  std::vector<float> x(static_cast<size_t>(args.width));
  for (int64_t c = 0; c < args.width; ++c) {
    float value = ElementOf(args.x, args.type, row * args.ldx + c);
    if (args.add != nullptr) {
      value += Bf16ToF32(args.add[row * args.width + c]);
      static_cast<float*>(args.x)[row * args.ldx + c] = value;
    }
    x[static_cast<size_t>(c)] = value;
  }
  const float inverse = 1.0f / std::sqrt(SumOfSquaresOnHost(x.data(), args.width) / static_cast<float>(args.width) + args.eps);
  for (int64_t c = 0; c < args.width; ++c) {
    float& value = x[static_cast<size_t>(c)];
    value = args.weight[c] * (value * inverse);
    if (args.normed != nullptr) args.normed[row * args.width + c] = F32ToBf16(value);
  }
  if (args.codes != nullptr) QuantizeRowOnHost(x, row, args.codes, args.scales, args.scale_stride);
}

}  // namespace

Status RmsNorm(const RmsNormArgs& args, Stream stream) {
  if (std::string problem = RmsNormProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) NormRow(args, row);
  });
  return Status();
}

}  // namespace baleen::cuda
