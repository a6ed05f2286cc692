#include "services/attention/engine/cuda_forward_pass.h"

#include "base/status_macros.h"
#include "kernels/cuda/embed/embed.h"
#include "kernels/cuda/gate/gate.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "kernels/cuda/permute/permute.h"
#include "model/cuda/device_mlp.h"
#include "model/cuda/device_status.h"

namespace baleen {

absl::Status CudaForwardPass::Embed() {
  cuda::EmbedArgs args;
  args.rows = batch_.rows();
  args.hidden = scratch_.hidden;
  args.vocabulary = scratch_.vocab_size;
  args.tokens = batch_.tokens();
  args.table = network_.weights.embedding.data.As<Bf16>();
  args.residual = scratch_.residual.As<float>();
  return FromDevice(cuda::Embed(args, stream_));
}

absl::Status CudaForwardPass::Norm(const float* weight, bool add_delta) {
  cuda::RmsNormArgs args;
  args.rows = batch_.rows();
  args.width = args.ldx = scratch_.hidden;
  args.x = scratch_.residual.data();
  args.add = add_delta ? scratch_.delta.As<Bf16>() : nullptr;
  args.weight = weight;
  args.eps = static_cast<float>(network_.config.rms_norm_eps);
  args.normed = scratch_.normed.values();
  args.codes = scratch_.normed.codes();
  args.scales = scratch_.normed.scales();
  args.scale_stride = scratch_.normed.scale_stride;
  return FromDevice(cuda::RmsNorm(args, stream_));
}

absl::Status CudaForwardPass::WriteKv(int layer) {
  const DeviceLayerWeights& weights = network_.weights.layers[static_cast<size_t>(layer)];
  RETURN_IF_ERROR(Norm(weights.input_norm.As<float>(), layer < network_.config.num_hidden_layers && LeavesDelta(layer - 1)));
  return baleen::WriteKv(network_.mla, weights.attention, scratch_.normed.rows(), batch_.KvRows(kv_, layer), scratch_.attention, stream_);
}

absl::Status CudaForwardPass::Attend(int layer) {
  const DeviceLayerWeights& weights = network_.weights.layers[static_cast<size_t>(layer)];
  RETURN_IF_ERROR(baleen::Attend(network_.mla, weights.attention, scratch_.normed.rows(), batch_.KvRows(kv_, layer), scratch_.attention,
                                 scratch_.delta.As<Bf16>(), stream_));
  return Norm(weights.post_attention_norm.As<float>(), true);
}

absl::Status CudaForwardPass::Mlp(int layer) {
  const DeviceLayerWeights& weights = network_.weights.layers[static_cast<size_t>(layer)];
  return ApplyMlp(*weights.dense, scratch_.normed.rows(), batch_.rows(), scratch_.mlp, scratch_.delta.As<Bf16>(), stream_);
}

absl::Status CudaForwardPass::Gate(int layer) {
  const DeviceGateWeights& gate = *network_.weights.layers[static_cast<size_t>(layer)].gate;
  RETURN_IF_ERROR(
      Multiply(gate.linear, scratch_.normed.rows(), batch_.rows(), DType::kF32, scratch_.gate_logits.data(), gate.linear.outputs, stream_));
  cuda::GateArgs args;
  args.params = gate.params;
  args.rows = batch_.rows();
  args.logits = scratch_.gate_logits.As<float>();
  args.bias = gate.bias.As<float>();
  args.ids = scratch_.expert_ids.As<int32_t>();
  args.weights = scratch_.expert_weights.As<float>();
  return FromDevice(cuda::Gate(args, stream_));
}

absl::Status CudaForwardPass::Shared(int layer) {
  const DeviceLayerWeights& weights = network_.weights.layers[static_cast<size_t>(layer)];
  if (!weights.shared.has_value()) return absl::OkStatus();
  return ApplyMlp(*weights.shared, scratch_.normed.rows(), batch_.rows(), scratch_.mlp, scratch_.delta.As<Bf16>(), stream_);
}

absl::Status CudaForwardPass::Combine(int layer, const Routed& routed) {
  cuda::CombineArgs args;
  args.rows = batch_.rows();
  args.top_k = static_cast<int>(network_.config.num_experts_per_tok);
  args.hidden = scratch_.hidden;
  args.y = routed.y;
  args.slots = routed.slots;
  args.weights = scratch_.expert_weights.As<float>();
  args.shared = network_.weights.layers[static_cast<size_t>(layer)].shared.has_value() ? scratch_.delta.As<Bf16>() : nullptr;
  args.residual = scratch_.residual.As<float>();
  return FromDevice(cuda::Combine(args, stream_));
}

absl::Status CudaForwardPass::FinalNorm(int last_layer) {
  const bool main = last_layer < network_.config.num_hidden_layers;
  return Norm(main ? network_.weights.final_norm.As<float>() : network_.weights.mtp->head_norm.As<float>(), LeavesDelta(last_layer));
}

absl::Status CudaForwardPass::Logits(int64_t rows) {
  cuda::PermuteArgs pick;
  pick.rows = batch_.rows();
  pick.top_k = 1;
  pick.row_bytes = scratch_.hidden * static_cast<int64_t>(sizeof(Bf16));
  pick.x = scratch_.normed.values();
  pick.y = scratch_.logits_input.data();
  pick.slots = batch_.logits_slots();
  RETURN_IF_ERROR(FromDevice(cuda::Permute(pick, stream_)));
  DeviceRows input;
  input.values = scratch_.logits_input.As<Bf16>();
  input.stride = scratch_.hidden;
  float* const logits = scratch_.logits.As<float>();
  const int64_t part = scratch_.slice.Count(scratch_.logits_stride);
  RETURN_IF_ERROR(Multiply(network_.weights.head(), input, rows, DType::kF32, scratch_.logits_gather.Part(logits), part, stream_));
  return scratch_.logits_gather.Gather(logits, part * static_cast<int64_t>(sizeof(float)), stream_);
}

}  // namespace baleen
