#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/gate/gate.h"

namespace baleen::cuda {

Status Gate(const GateArgs& args, Stream stream) {
  if (std::string problem = GateProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    const int experts = args.params.experts;
    for (int64_t row = 0; row < args.rows; ++row) {
      SelectExperts(args.params, args.logits + row * experts, args.bias, args.ids + row * args.params.top_k,
                    args.weights + row * args.params.top_k);
    }
  });
  return Status();
}

}  // namespace baleen::cuda
