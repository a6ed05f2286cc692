// A network for tests: the next token is a hash of the sequence's tokens as read back from KV.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_FAKE_STEP_RUNNER_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_FAKE_STEP_RUNNER_H_

#include <atomic>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "services/attention/worker/step_runner.h"

namespace baleen {

// A KV row of layer l holds (token, token + l) as F32; KV shape is FakeStepRunner::kShape. Whoever fills a row wrongly, late or twice
// with other values changes the tokens that follow.
class FakeStepRunner final : public StepRunner {
 public:
  static constexpr KvShape kShape = {.layers = 2, .width = 2, .dtype = DType::kF32};
  static constexpr int64_t kVocab = 256;

  // Called at the start of each step; its error fails the step after the KV rows of layer 0 were written.
  std::function<absl::Status(absl::Span<const SequenceStep>)> before_step;

  // Not null: a step that is not over at its deadline by this clock fails, as one whose experts do not answer in time.
  Clock* clock = nullptr;

  // 0 = no MTP layer; otherwise one that is wrong at every so-many-th guess.
  int64_t wrong_every = 0;
  // Whether it chooses tokens where it may, the likeliest; their logits are then NaN.
  bool chooses = false;

  int64_t vocab_size() const override { return kVocab; }
  absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                    const std::function<void(int layer)>& on_layer, TokenChoices* choices, std::vector<float>* logits) override;
  bool drafts() const override { return wrong_every > 0; }
  absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, const std::function<void(int layer)>& on_layer,
                     TokenChoices* choices, std::vector<float>* logits) override;
  int64_t rows() const { return rows_; }
  int64_t max_rows() const { return max_rows_; }

  // What greedy decoding gives after `tokens`.
  static std::vector<int32_t> Continue(std::vector<int32_t> tokens, int64_t count);

 private:
  static int32_t Next(const std::vector<int32_t>& tokens);
  static void AppendLogits(const std::vector<int32_t>& tokens, int32_t shift, std::vector<float>* logits);

  void Choose(TokenChoices* choices, std::vector<float>* logits) const;

  int64_t guesses_ = 0;
  std::atomic<int64_t> rows_{0};
  std::atomic<int64_t> max_rows_{0};
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_FAKE_STEP_RUNNER_H_
