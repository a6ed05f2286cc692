// One batch's way through the network on a GPU, a sublayer at a time.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_FORWARD_PASS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_FORWARD_PASS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "kernels/cuda/base/device.h"
#include "model/config/model_config.h"
#include "model/cuda/device_mla.h"
#include "model/cuda/device_network_weights.h"
#include "services/attention/engine/cuda_batch.h"
#include "services/attention/engine/cuda_scratch.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// Holds references only; all calls enqueue. For every layer WriteKv, Attend, and Mlp; or Gate, Shared and Combine around the routed
// experts. After the last layer Logits.
class CudaForwardPass {
 public:
  struct Network {
    const ModelConfig& config;
    const DeviceNetworkWeights& weights;
    const DeviceMlaParams& mla;
  };
  // Unweighted outputs of the routed experts: (row, k)'s is row slots[row, k] of y.
  struct Routed {
    const Bf16* y = nullptr;
    const int32_t* slots = nullptr;
  };

  CudaForwardPass(const Network& network, const CudaBatch& batch, CudaScratch& scratch, BlockPool& kv, cuda::Stream stream)
      : network_(network), batch_(batch), scratch_(scratch), kv_(kv), stream_(stream) {}

  // Fills the residual from the embedding.
  absl::Status Embed();
  // Norm, then the rows' own latent KV into the pages.
  absl::Status WriteKv(int layer);
  // Attention over the pages, then the norm behind it.
  absl::Status Attend(int layer);
  // A dense layer's.
  absl::Status Mlp(int layer);
  // A MoE layer's expert ids and weights into the scratch; what goes to the experts is scratch.normed.
  absl::Status Gate(int layer);
  absl::Status Shared(int layer);
  // Routed outputs and the shared expert's into the residual.
  absl::Status Combine(int layer, const Routed& routed);
  // The norm behind `last_layer`, the main model's or the MTP layer's, into scratch.normed.
  absl::Status FinalNorm(int last_layer);
  // Behind it, `rows` of logits (the batch's with a slot) into scratch.logits; the scratch began with as many.
  absl::Status Logits(int64_t rows);

 private:
  // normed = norm of the residual, to which scratch.delta is added first where it is not in yet.
  absl::Status Norm(const float* weight, bool add_delta);
  // Whether the layer's output is in scratch.delta and not in the residual when the next layer begins. The MTP layer's input is made anew.
  bool LeavesDelta(int64_t layer) const { return layer >= 0 && !network_.config.IsMoe(layer); }

  const Network& network_;
  const CudaBatch& batch_;
  CudaScratch& scratch_;
  BlockPool& kv_;
  const cuda::Stream stream_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_FORWARD_PASS_H_
