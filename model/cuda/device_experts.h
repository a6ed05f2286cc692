// Routed experts beside the rest of the network on one device: rows come and go in device memory.
#ifndef BALEEN_MODEL_CUDA_DEVICE_EXPERTS_H_
#define BALEEN_MODEL_CUDA_DEVICE_EXPERTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "kernels/cuda/base/device.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/device_expert_weights.h"
#include "model/cuda/expert_products.h"
#include "model/layers/numerics.h"
#include "model/weights/expert_weights.h"

namespace baleen {

// The bits that shards on the device give. One batch at a time.
class DeviceExperts {
 public:
  // All pointers are to device memory.
  struct Batch {
    int layer = 0;
    int64_t rows = 0;
    const Bf16* input = nullptr;   // [rows, hidden], 16-byte aligned
    const int32_t* ids = nullptr;  // [rows, num_experts_per_tok], distinct in a row
  };
  struct Outputs {
    const Bf16* y = nullptr;         // [slots, hidden], unweighted
    const int32_t* slots = nullptr;  // [rows, num_experts_per_tok]: where output (row, k) lies; -1 where the expert is not held
  };

  // Scratch for batches of up to max_rows. Errors as DeviceExpertWeights::Load's.
  static absl::StatusOr<std::unique_ptr<DeviceExperts>> Load(Checkpoint& checkpoint, const ModelConfig& config,
                                                             const std::vector<ExpertId>& experts, const Numerics& numerics,
                                                             int64_t max_rows, int64_t most_bytes = 0);

  // Enqueues the batch and waits for nothing, so that a graph can record it; the outputs are valid until the next batch is enqueued.
  // Refuses layers of which no expert is held.
  cuda::Status Enqueue(const Batch& batch, cuda::Stream stream, Outputs* outputs);

 private:
  DeviceExperts(std::shared_ptr<const DeviceExpertWeights> weights, ExpertProducts products, const ModelConfig& config, int64_t max_rows);
  absl::Status Prepare(const std::vector<ExpertId>& experts);

  const std::shared_ptr<const DeviceExpertWeights> weights_;
  ExpertProducts products_;
  const int64_t max_rows_;
  const int top_k_;
  const int routed_experts_;
  std::map<int, cuda::DeviceMemory> group_of_expert_;  // By layer: [routed experts].
  cuda::DeviceMemory group_rows_;
  cuda::DeviceMemory slots_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_EXPERTS_H_
