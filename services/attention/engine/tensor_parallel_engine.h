// The engine on several GPUs of one pod: each computes some of the heads, some of the columns of attention's output and some of the logits.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_TENSOR_PARALLEL_ENGINE_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_TENSOR_PARALLEL_ENGINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "services/attention/engine/engine.h"

namespace baleen {

// options.tensor_parallel of them, devices 0 and up; the bits are those of one. An engine on each, in step with the others (SPMD), with the
// whole latent KV; all else but the above is computed on all. Called by a thread that selected no device. Errors as LoadCudaEngine's;
// INVALID_ARGUMENT with MTP and with experts on the device, and for sizes that so many cannot share out. After a Step that returned
// INTERNAL for one of them alone, all further ones do.
absl::StatusOr<std::unique_ptr<Engine>> LoadTensorParallelEngine(Checkpoint& checkpoint, const ModelConfig& config,
                                                                 const EngineOptions& options);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_TENSOR_PARALLEL_ENGINE_H_
