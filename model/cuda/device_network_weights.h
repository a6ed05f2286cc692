// Everything of a checkpoint but the routed experts, on a GPU; or what one rank has of it: its part of the attention layers
// (device_attention_weights.h) and of the LM head, and all else.
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
#include "model/cuda/rank_slice.h"

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

// What the next-token (MTP) layer has besides an ordinary layer's tensors (model spec section 6).
struct DeviceMtpWeights {
  cuda::DeviceMemory embedding_norm;  // F32 [hidden] enorm
  cuda::DeviceMemory hidden_norm;     // F32 [hidden] hnorm
  DeviceMatrix projection;            // 2 * hidden -> hidden, BF16; the embedding's half comes first.
  cuda::DeviceMemory head_norm;       // F32 [hidden] shared_head.norm
};

// The logits of a row as computed: those of the vocabulary, and what makes them equal aligned parts of `slice.size` ranks.
int64_t PaddedLogits(const ModelConfig& config, RankSlice slice);

// FP8 stays FP8 with its scales where products are FP8, BF16 stays BF16; straight from the mapped files, whose pages are given back.
struct DeviceNetworkWeights {
  DeviceAttentionShape shape;
  DeviceMatrix embedding;                  // BF16 [vocab_size, hidden], a table.
  std::vector<DeviceLayerWeights> layers;  // num_hidden_layers, then the MTP layer's where it is loaded.
  std::optional<DeviceMtpWeights> mtp;
  cuda::DeviceMemory final_norm;        // F32 [hidden]
  DeviceMatrix lm_head;                 // hidden -> this rank's logits, BF16; empty where the whole embedding is it.
  cuda::DeviceMemory rope_frequencies;  // F32 [rope / 2]

  const DeviceMatrix& head() const { return lm_head.outputs == 0 ? embedding : lm_head; }

  // `compute`: kBf16 or kF8E4m3. Without `mtp` no tensor of the MTP layer is read. INVALID_ARGUMENT for sizes that the kernels do not take,
  // RESOURCE_EXHAUSTED when the device has no room.
  static absl::StatusOr<DeviceNetworkWeights> Load(Checkpoint& checkpoint, const ModelConfig& config, DType compute, bool mtp,
                                                   RankSlice slice);
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_NETWORK_WEIGHTS_H_
