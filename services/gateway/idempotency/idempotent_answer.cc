#include "services/gateway/idempotency/idempotent_answer.h"

#include <utility>

#include "base/status_macros.h"

namespace baleen {

struct IdempotencyKeys::Shared {
  explicit Shared(const IdempotencyLimits& limits) : table(limits) {}
  std::mutex mutex;
  IdempotencyTable table;
};

class IdempotencyKeys::Answer final : public IdempotentAnswer, public std::enable_shared_from_this<Answer> {
 public:
  Answer(std::shared_ptr<Shared> shared, std::string caller, std::string key, ClaimedAnswer claimed)
      : shared_(std::move(shared)),
        caller_(std::move(caller)),
        key_(std::move(key)),
        claimed_(std::move(claimed)),
        next_(claimed_.record) {}
  ~Answer() override { Left(); }

  const AnswerRecord& record() const override { return claimed_.record; }
  bool repeat() const override { return claimed_.repeat; }

  GenerationSink Wrap(GenerationSink sink) override {
    return [self = shared_from_this(), sink = std::move(sink)](GenerationEvent event) {
      self->OnEvent(&event);
      sink(std::move(event));
    };
  }

  void Left() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    ReleaseLocked();
  }

 private:
  void OnEvent(GenerationEvent* event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (claimed_.record.answered) event->usage.prompt_cache_hit_tokens = claimed_.record.prompt_cache_hit_tokens;
    if (event->status.ok()) began_ = true;
    if (!event->ends_request()) return;
    if (event->status.ok()) {
      next_.answered = true;
      next_.prompt_cache_hit_tokens = event->usage.prompt_cache_hit_tokens;
    }
    // Before the client knows that it may ask again.
    ReleaseLocked();
  }

  void ReleaseLocked() {
    if (std::exchange(released_, true)) return;
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    shared_->table.Release(caller_, key_, next_, began_ || claimed_.repeat);
  }

  const std::shared_ptr<Shared> shared_;
  const std::string caller_;
  const std::string key_;
  const ClaimedAnswer claimed_;
  std::mutex mutex_;   // Guards what follows.
  AnswerRecord next_;  // What is kept.
  bool began_ = false;
  bool released_ = false;
};

IdempotencyKeys::IdempotencyKeys(const IdempotencyLimits& limits, Clock* clock)
    : clock_(clock), shared_(std::make_shared<Shared>(limits)) {}

absl::StatusOr<std::shared_ptr<IdempotentAnswer>> IdempotencyKeys::Claim(const std::string& caller, const std::string& key,
                                                                         const std::string& digest, const AnswerRecord& fresh) {
  RETURN_IF_ERROR(CheckIdempotencyKey(key));
  absl::StatusOr<ClaimedAnswer> claimed = absl::UnknownError("");
  {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    claimed = shared_->table.Claim(caller, key, digest, fresh, clock_->Now());
  }
  if (!claimed.ok()) return claimed.status();
  return std::shared_ptr<IdempotentAnswer>(std::make_shared<Answer>(shared_, caller, key, *std::move(claimed)));
}

}  // namespace baleen
