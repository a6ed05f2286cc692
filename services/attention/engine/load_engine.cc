#include "services/attention/engine/load_engine.h"

#include "absl/strings/str_cat.h"
#include "services/attention/engine/cpu_engine.h"
#include "services/attention/engine/cuda_engine.h"
#include "services/attention/engine/tensor_parallel_engine.h"

namespace baleen {

absl::StatusOr<std::unique_ptr<Engine>> LoadEngine(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options,
                                                   ThreadPool* pool) {
  if (options.max_batch_tokens < 1) {
    return absl::InvalidArgumentError(absl::StrCat("max_batch_tokens is ", options.max_batch_tokens, ", at least 1 is needed"));
  }
  if (options.tensor_parallel < 1 || (options.tensor_parallel > 1 && !options.numerics.on_gpu())) {
    return absl::InvalidArgumentError(absl::StrCat("tensor_parallel is ", options.tensor_parallel, "; above 1 it takes as many GPUs"));
  }
  if (options.tensor_parallel > 1) return LoadTensorParallelEngine(checkpoint, config, options);
  if (options.numerics.on_gpu()) return LoadCudaEngine(checkpoint, config, options);
  return LoadCpuEngine(checkpoint, config, options, pool);
}

}  // namespace baleen
