#include <algorithm>

#include "kernels/cuda/base/host_stream.h"
#include "kernels/cuda/embed/embed.h"

namespace baleen::cuda {

Status Embed(const EmbedArgs& args, Stream stream) {
  if (std::string problem = EmbedProblem(args); !problem.empty()) return Status(std::move(problem));
  EnqueueOnHost(stream, [args] {
    for (int64_t row = 0; row < args.rows; ++row) {
      const int64_t token = args.tokens[row];
      if (token < 0 || token >= args.vocabulary) continue;
      const Bf16* const from = args.table + token * args.hidden;
      std::transform(from, from + args.hidden, args.residual + row * args.hidden, Bf16ToF32);
    }
  });
  return Status();
}

}  // namespace baleen::cuda
