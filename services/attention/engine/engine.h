// Drives the network layer by layer over a batch of sequences.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_ENGINE_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/config/model_config.h"
#include "model/layers/expert_backend.h"
#include "model/layers/numerics.h"
#include "model/weights/shared_weights.h"
#include "services/attention/engine/sequence_step.h"
#include "services/attention/engine/token_choices.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

class DeviceExperts;

struct StepOptions {
  absl::Time deadline = absl::InfiniteFuture();
  // Called on the step's thread when a layer's KV rows of all sequences are written (for pushing pages).
  std::function<void(int layer)> on_layer_kv;
  // What the engine may choose tokens by, a row of logits each, its `tokens` empty; null = nothing. A CPU leaves the choice to the caller.
  TokenChoices* choices = nullptr;
};

struct EngineOptions {
  Numerics numerics;
  int64_t max_batch_tokens = 512;  // Rows of one Step.
  // Steps of at least this many rows run as two micro-batches, so that one computes while the other's rows are at the experts;
  // 0 = never. Changes no bit. Pays when the experts are remote. On a CPU.
  int64_t ping_pong_rows = 0;
  bool mtp = false;                         // Load the checkpoint's next-token layer, for Draft. Its KV is one more layer of the pool.
  SharedWeights* shared_weights = nullptr;  // Where packed weights come from and go, during Load. On a CPU.
  int tensor_parallel = 1;                  // GPUs that compute together (tensor_parallel_engine.h).
  // On a GPU, when it failed: it gives nothing right any more. Called on a thread of the step, before Step returns INTERNAL, of each GPU
  // that sees it; may be null.
  std::function<void(const absl::Status&)> on_device_failure = nullptr;
  // On a GPU: routed experts beside the engine, instead of Step's and of Draft's. Outlive it.
  DeviceExperts* device_experts = nullptr;
  DeviceExperts* mtp_device_experts = nullptr;
};

// Weights other than the routed experts, and the scratch of one batch. One Step at a time.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual KvShape kv_shape() const = 0;
  virtual const ModelConfig& config() const = 0;
  virtual bool has_mtp() const = 0;

  // Blocks of kv_shape in the memory that it computes in, as many as fit the budget: what Step and Draft take.
  virtual std::unique_ptr<BlockPool> NewKvPool(int64_t budget_bytes) const = 0;

  // Runs all sequences' tokens as one batch and writes their KV. `logits` is resized to [sum of logits_count, vocab_size] F32 in
  // step order; ids without a token stay as computed (the sampler masks them); rows whose token was chosen are unspecified. On error no KV
  // row beyond the step's own is touched, nothing is in flight at `experts` any more, and `logits` is unspecified. INVALID_ARGUMENT names
  // what is wrong with which sequence; errors of `experts` come back as they are; INTERNAL: the device failed. A step without tokens is OK.
  // One that wants no logits ends with the last layer's KV, unless Draft may follow.
  virtual absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                            std::vector<float>* logits) = 0;

  // Runs the MTP layer over rows of the last Step, which succeeded; needs has_mtp. Drafts are in the Step's order. Writes its KV at all of
  // their positions; `logits` is resized to [drafts with logits, vocab_size] and tells of the token after each one's last next token.
  // Only those rows go through attention and `experts`. Errors as Step's.
  virtual absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                             std::vector<float>* logits) = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_ENGINE_H_
