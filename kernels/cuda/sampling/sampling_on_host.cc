#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/sampling/sampling.h"

namespace baleen::cuda {

Status Sample(const SamplingArgs& args, Stream stream) {
  if (std::string problem = SamplingProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    const int64_t words = (args.vocabulary + 31) / 32;
    for (int64_t row = 0; row < args.rows; ++row) {
      args.tokens[row] = SampleOnHost(args.rows_sampling[row], args.logits + row * args.ld, args.vocabulary,
                                      args.allowed == nullptr ? nullptr : args.allowed + row * words);
    }
  });
  return Status();
}

}  // namespace baleen::cuda
