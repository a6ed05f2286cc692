#include <vector>

#include "kernels/cuda/base/host_rows.h"
#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/quantize/quantize.h"

namespace baleen::cuda {

Status Quantize(const QuantizeArgs& args, Stream stream) {
  if (std::string problem = QuantizeProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    std::vector<float> x(static_cast<size_t>(args.width));
    for (int64_t row = 0; row < args.rows; ++row) {
      for (int64_t c = 0; c < args.width; ++c) x[static_cast<size_t>(c)] = Bf16ToF32(args.x[row * args.ldx + c]);
      QuantizeRowOnHost(x, row, args.codes, args.scales, args.scale_stride);
    }
  });
  return Status();
}

}  // namespace baleen::cuda
