// One batch's way through the network, a micro-batch and a sublayer at a time.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_FORWARD_PASS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_FORWARD_PASS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/thread_pool.h"
#include "model/config/model_config.h"
#include "model/layers/expert_backend.h"
#include "model/layers/mla.h"
#include "model/weights/network_weights.h"
#include "services/attention/engine/batch_scratch.h"
#include "services/attention/engine/step_plan.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// Rows [begin, end) of the batch, and what they wait for.
struct MicroBatch {
  int64_t begin = 0;
  int64_t end = 0;
  std::unique_ptr<PendingExperts> pending;  // Routed outputs of the last MoE layer that are not in the residual yet.

  int64_t rows() const { return end - begin; }
};

// Holds references only. For every layer: EnterLayer, then for every micro-batch in row order FinishExperts (of the layer before),
// WriteKv, Attend, FeedForward; after the last layer FinishExperts, then Logits.
class ForwardPass {
 public:
  struct Network {
    const ModelConfig& config;
    const NetworkWeights& weights;
    const MlaParams& mla;
    DType wire;
    ThreadPool* pool;
  };

  ForwardPass(const Network& network, const StepPlan& plan, BatchScratch& scratch, BlockPool& kv, ExpertBackend& experts,
              absl::Time deadline);

  // Fills the residual from the embedding.
  void Embed();
  // Fills the residual with the MTP layer's input: the plan's tokens are the next ones, and row r's hidden state is in row
  // hidden_rows[r] >= r of the residual as the main model left it; ascending.
  void EmbedNext(const std::vector<int64_t>& hidden_rows);
  // Makes a layer's pages addressable; before its first WriteKv.
  void EnterLayer(int layer);
  // Norm, then the rows' own latent KV into the pages.
  void WriteKv(int layer, const MicroBatch& batch);
  // Attention over the pages; adds to the residual.
  void Attend(int layer, const MicroBatch& batch);
  // Dense MLP; or gate, dispatch of the routed experts and the shared expert, leaving the routed outputs pending.
  void FeedForward(int layer, MicroBatch& batch);
  // Waits for pending routed outputs and combines them into the residual.
  absl::Status FinishExperts(MicroBatch& batch);
  // logits [logits_rows, vocab], through the main model's last norm or the MTP layer's.
  void Logits(const std::vector<float>& norm, float* logits);

 private:
  float* Row(const BatchScratch::Floats& buffer, int64_t row, int64_t width) const { return buffer.get() + row * width; }
  void Route(int layer, MicroBatch& batch);

  const Network& network_;
  const StepPlan& plan_;
  BatchScratch& scratch_;
  BlockPool& kv_;
  ExpertBackend& experts_;
  const absl::Time deadline_;
  const int64_t hidden_;
  const int64_t top_k_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_FORWARD_PASS_H_
