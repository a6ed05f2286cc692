// Everything of a checkpoint but the routed experts, on a GPU.
#ifndef BALEEN_MODEL_CUDA_DEVICE_NETWORK_WEIGHTS_H_
#define BALEEN_MODEL_CUDA_DEVICE_NETWORK_WEIGHTS_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "kernels/gate.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/device_attention_weights.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/device_mlp.h"

namespace baleen {

// Immutable once loaded.
struct DeviceGateWeights {
  GateParams params;
  DeviceMatrix linear;      // hidden -> experts, BF16.
  cuda::DeviceMemory bias;  // F32 [experts], selection only; empty unless noaux_tc.
};

struct DeviceLayerWeights {
  cuda::DeviceMemory input_norm;           // F32 [hidden]
  cuda::DeviceMemory post_attention_norm;  // F32 [hidden]
  DeviceAttentionWeights attention;
  std::optional<DeviceMlpWeights> dense;   // Dense layers.
  std::optional<DeviceGateWeights> gate;   // MoE layers.
  std::optional<DeviceMlpWeights> shared;  // MoE layers with shared experts.
};

// FP8 stays FP8 with its scales where products are FP8, BF16 stays BF16; straight from the mapped files, whose pages are given back.
struct DeviceNetworkWeights {
  DeviceAttentionShape shape;
  DeviceMatrix embedding;  // BF16 [vocab_size, hidden], a table.
  std::vector<DeviceLayerWeights> layers;
  cuda::DeviceMemory final_norm;        // F32 [hidden]
  DeviceMatrix lm_head;                 // hidden -> vocab_size, BF16; empty where the embedding is it.
  cuda::DeviceMemory rope_frequencies;  // F32 [rope / 2]

  const DeviceMatrix& head() const { return lm_head.outputs == 0 ? embedding : lm_head; }

  // `compute`: kBf16 or kF8E4m3. INVALID_ARGUMENT for sizes that the kernels do not take, RESOURCE_EXHAUSTED when the device has no room.
  static absl::StatusOr<DeviceNetworkWeights> Load(Checkpoint& checkpoint, const ModelConfig& config, DType compute);
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_NETWORK_WEIGHTS_H_
