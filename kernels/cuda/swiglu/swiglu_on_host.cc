#include <vector>

#include "kernels/cuda/base/host_rows.h"
#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/base/sigmoid.h"
#include "kernels/cuda/swiglu/swiglu.h"

namespace baleen::cuda {
namespace {

void ActivateRow(const SwiGluArgs& args, int64_t row) {
  std::vector<float> y(static_cast<size_t>(args.inner));
  const Bf16* const gates = args.gate_up + row * 2 * args.inner;
  for (int64_t c = 0; c < args.inner; ++c) {
    const float gate = Bf16ToF32(gates[c]);
    const float value = gate * SigmoidF32(gate) * Bf16ToF32(gates[args.inner + c]);
    if (args.out != nullptr) args.out[row * args.inner + c] = F32ToBf16(value);
    y[static_cast<size_t>(c)] = value;
  }
  if (args.codes != nullptr) QuantizeRowOnHost(y, row, args.codes, args.scales, args.scale_stride);
}

}  // namespace

Status SwiGlu(const SwiGluArgs& args, Stream stream) {
  if (std::string problem = SwiGluProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) {
      if (HasGroup(args.grouping, args.group_rows, args.groups, args.rows, row)) ActivateRow(args, row);
    }
  });
  return Status();
}

}  // namespace baleen::cuda
