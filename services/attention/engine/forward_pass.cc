#include "services/attention/engine/forward_pass.h"

#include <algorithm>
#include <utility>

#include "base/parallel_for.h"
#include "base/status_macros.h"
#include "base/values.h"
#include "kernels/elementwise.h"
#include "model/layers/combine.h"
#include "model/layers/ffn.h"
#include "model/layers/gate.h"
#include "model/layers/row_ops.h"

namespace baleen {

namespace {

constexpr int64_t kConvertGrain = 32;  // Rows.

}  // namespace

ForwardPass::ForwardPass(const Network& network, const StepPlan& plan, BatchScratch& scratch, BlockPool& kv, ExpertBackend& experts,
                         absl::Time deadline)
    : network_(network),
      plan_(plan),
      scratch_(scratch),
      kv_(kv),
      experts_(experts),
      deadline_(deadline),
      hidden_(network.config.hidden_size),
      top_k_(network.config.num_experts_per_tok) {
  scratch_.pages.resize(plan_.blocks().size());
  scratch_.query_rows.resize(plan_.rows());
  for (int64_t row = 0; row < plan_.rows(); ++row) {
    scratch_.query_rows[row] = {scratch_.pages.data() + plan_.first_block()[row], plan_.positions()[row]};
  }
}

void ForwardPass::Embed() {
  for (int64_t row = 0; row < plan_.rows(); ++row) {
    network_.weights.embedding.Lookup(plan_.tokens()[row], Row(scratch_.residual, row, hidden_));
  }
}

void ForwardPass::EmbedNext(const std::vector<int64_t>& hidden_rows) {
  const MtpWeights& mtp = *network_.weights.mtp;
  const float eps = static_cast<float>(network_.config.rms_norm_eps);
  for (int64_t row = 0; row < plan_.rows(); ++row) {
    float* const embedding = Row(scratch_.mtp_input, row, 2 * hidden_);
    float* const hidden = embedding + hidden_;
    network_.weights.embedding.Lookup(plan_.tokens()[row], embedding);
    RmsNorm(embedding, hidden_, mtp.embedding_norm.data(), eps, 1, hidden_, embedding, hidden_);
    // The hidden state that predicts is the one behind the main model's last norm.
    RmsNorm(Row(scratch_.residual, hidden_rows[row], hidden_), hidden_, network_.weights.final_norm.data(), eps, 1, hidden_, hidden,
            hidden_);
    RmsNorm(hidden, hidden_, mtp.hidden_norm.data(), eps, 1, hidden_, hidden, hidden_);
  }
  mtp.projection.Apply(scratch_.mtp_input.get(), plan_.rows(), 2 * hidden_, scratch_.residual.get(), hidden_, network_.pool);
}

void ForwardPass::EnterLayer(int layer) {
  std::transform(plan_.blocks().begin(), plan_.blocks().end(), scratch_.pages.begin(),
                 [&](BlockId block) { return kv_.Page(block, layer); });
}

void ForwardPass::WriteKv(int layer, const MicroBatch& batch) {
  const LayerWeights& weights = network_.weights.layers[layer];
  const int64_t width = network_.mla.kv_width();
  float* const normed = Row(scratch_.normed, batch.begin, hidden_);
  float* const kv = Row(scratch_.kv, batch.begin, width);
  NormRows(Row(scratch_.residual, batch.begin, hidden_), hidden_, weights.input_norm.data(), network_.config.rms_norm_eps, batch.rows(),
           hidden_, normed, hidden_, network_.pool);
  ProjectKv(network_.mla, weights.attention, normed, plan_.positions().data() + batch.begin, batch.rows(), kv, network_.pool);
  for (int64_t row = batch.begin; row < batch.end; ++row) {
    StoreKvRow(Row(scratch_.kv, row, width), width, network_.mla.shape.kv_dtype, kv_.Page(plan_.BlockOf(row), layer), plan_.SlotOf(row));
  }
}

void ForwardPass::Attend(int layer, const MicroBatch& batch) {
  const MlaParams& mla = network_.mla;
  const AttentionWeights& weights = network_.weights.layers[layer].attention;
  const int64_t heads = mla.shape.heads;
  float* const query = Row(scratch_.query, batch.begin, heads * mla.kv_width());
  float* const context = Row(scratch_.context, batch.begin, heads * mla.shape.kv_lora);
  float* const delta = Row(scratch_.delta, batch.begin, hidden_);
  const MlaQueryScratch scratch = {Row(scratch_.q_latent, batch.begin, mla.q_lora), Row(scratch_.q, batch.begin, mla.query_width())};
  ProjectQuery(mla, weights, Row(scratch_.normed, batch.begin, hidden_), plan_.positions().data() + batch.begin, batch.rows(), scratch,
               query, network_.pool);
  MlaAttention(mla.shape, scratch_.query_rows.data() + batch.begin, batch.rows(), query, context, mla.isa, network_.pool);
  ProjectOutput(mla, weights, context, batch.rows(), Row(scratch_.heads_out, batch.begin, heads * mla.v), delta, network_.pool);
  AddInPlace(Row(scratch_.residual, batch.begin, hidden_), delta, batch.rows() * hidden_);
}

void ForwardPass::FeedForward(int layer, MicroBatch& batch) {
  const LayerWeights& weights = network_.weights.layers[layer];
  float* const residual = Row(scratch_.residual, batch.begin, hidden_);
  float* const normed = Row(scratch_.normed, batch.begin, hidden_);
  float* const delta = Row(scratch_.delta, batch.begin, hidden_);
  NormRows(residual, hidden_, weights.post_attention_norm.data(), network_.config.rms_norm_eps, batch.rows(), hidden_, normed, hidden_,
           network_.pool);
  if (weights.gate.has_value()) Route(layer, batch);
  const MlpWeights* mlp = weights.dense.has_value() ? &*weights.dense : weights.shared.has_value() ? &*weights.shared : nullptr;
  if (mlp == nullptr) {
    std::fill_n(delta, batch.rows() * hidden_, 0.0f);
  } else {
    ApplyMlp(*mlp, normed, batch.rows(), Row(scratch_.mlp_gate, batch.begin, scratch_.mlp_inner),
             Row(scratch_.mlp_up, batch.begin, scratch_.mlp_inner), delta, network_.pool);
  }
  if (weights.dense.has_value()) AddInPlace(residual, delta, batch.rows() * hidden_);
}

void ForwardPass::Route(int layer, MicroBatch& batch) {
  const GateWeights& gate = *network_.weights.layers[layer].gate;
  const float* const normed = Row(scratch_.normed, batch.begin, hidden_);
  const int64_t row_bytes = hidden_ * static_cast<int64_t>(SizeOf(network_.wire));
  std::byte* const wire = scratch_.wire.get() + batch.begin * row_bytes;
  int32_t* const ids = scratch_.expert_ids.get() + batch.begin * top_k_;
  ApplyGate(gate, normed, batch.rows(), Row(scratch_.gate_logits, batch.begin, gate.params.experts), ids,
            Row(scratch_.expert_weights, batch.begin, top_k_), network_.pool);
  ParallelFor(network_.pool, batch.rows(), kConvertGrain, [&](int64_t begin, int64_t end) {
    ValuesToWire(normed + begin * hidden_, (end - begin) * hidden_, network_.wire, wire + begin * row_bytes);
  });

  ExpertBatch work;
  work.layer = layer;
  work.rows = batch.rows();
  work.hidden = hidden_;
  work.top_k = static_cast<int>(top_k_);
  work.wire = network_.wire;
  work.input = wire;
  work.expert_ids = ids;
  work.outputs = scratch_.expert_outputs.get() + batch.begin * top_k_;
  work.room = scratch_.expert_room.get() + batch.begin * top_k_ * row_bytes;
  work.deadline = deadline_;
  batch.pending = experts_.Dispatch(work);
}

absl::Status ForwardPass::FinishExperts(MicroBatch& batch) {
  if (batch.pending == nullptr) return absl::OkStatus();
  // The outputs live as long as it does.
  const std::unique_ptr<PendingExperts> pending = std::move(batch.pending);
  RETURN_IF_ERROR(pending->Wait());
  CombineExperts(scratch_.expert_outputs.get() + batch.begin * top_k_, network_.wire, Row(scratch_.expert_weights, batch.begin, top_k_),
                 Row(scratch_.delta, batch.begin, hidden_), batch.rows(), top_k_, hidden_, Row(scratch_.residual, batch.begin, hidden_),
                 network_.pool);
  return absl::OkStatus();
}

void ForwardPass::Logits(const std::vector<float>& norm, float* logits) {
  const std::vector<int64_t>& wanted = plan_.logits_rows();
  const int64_t count = static_cast<int64_t>(wanted.size());
  for (int64_t i = 0; i < count; ++i) {
    RmsNorm(Row(scratch_.residual, wanted[i], hidden_), hidden_, norm.data(), static_cast<float>(network_.config.rms_norm_eps), 1, hidden_,
            Row(scratch_.normed, i, hidden_), hidden_);
  }
  network_.weights.lm_head.Apply(scratch_.normed.get(), count, hidden_, logits, network_.config.vocab_size, network_.pool);
}

}  // namespace baleen
