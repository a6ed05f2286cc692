#include "services/attention/engine/shared_experts.h"

#include <algorithm>
#include <utility>

namespace baleen {

class SharedExperts::FirstRank final : public ExpertBackend {
 public:
  explicit FirstRank(SharedExperts* shared) : shared_(shared) {}
  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override {
    return std::make_unique<Sent>(shared_, batch, shared_->experts_->Dispatch(batch));
  }

 private:
  class Sent final : public PendingExperts {
   public:
    Sent(SharedExperts* shared, const ExpertBatch& batch, std::unique_ptr<PendingExperts> sent)
        : shared_(shared), batch_(batch), sent_(std::move(sent)) {}
    ~Sent() override { shared_->AwaitReaders(); }
    absl::Status Wait() override { return shared_->Publish(batch_, sent_->Wait()); }

   private:
    SharedExperts* const shared_;
    const ExpertBatch batch_;
    const std::unique_ptr<PendingExperts> sent_;
  };

  SharedExperts* const shared_;
};

class SharedExperts::OtherRank final : public ExpertBackend {
 public:
  OtherRank(SharedExperts* shared, size_t rank) : shared_(shared), rank_(rank) {}
  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override { return std::make_unique<Awaited>(shared_, rank_, batch); }

 private:
  class Awaited final : public PendingExperts {
   public:
    Awaited(SharedExperts* shared, size_t rank, const ExpertBatch& batch) : shared_(shared), rank_(rank), batch_(batch) {}
    ~Awaited() override {
      if (reads_) shared_->LetGo();
    }
    absl::Status Wait() override {
      absl::Status status = shared_->Take(rank_, batch_);
      reads_ = status.ok();
      return status;
    }

   private:
    SharedExperts* const shared_;
    const size_t rank_;
    const ExpertBatch batch_;
    bool reads_ = false;
  };

  SharedExperts* const shared_;
  const size_t rank_;
};

SharedExperts::SharedExperts(int ranks) : taken_(static_cast<size_t>(ranks)) {
  ranks_.push_back(std::make_unique<FirstRank>(this));
  for (size_t rank = 1; rank < taken_.size(); ++rank) ranks_.push_back(std::make_unique<OtherRank>(this, rank));
}

SharedExperts::~SharedExperts() = default;

void SharedExperts::Begin(ExpertBackend* experts) {
  const std::lock_guard<std::mutex> lock(mu_);
  experts_ = experts;
  published_ = 0;
  std::fill(taken_.begin(), taken_.end(), 0);
  outcome_ = absl::OkStatus();
}

bool SharedExperts::failed() const {
  const std::lock_guard<std::mutex> lock(mu_);
  return !outcome_.ok();
}

void SharedExperts::Abort(const absl::Status& cause) {
  const std::lock_guard<std::mutex> lock(mu_);
  if (aborted_.ok()) aborted_ = cause;
  changed_.notify_all();
}

absl::Status SharedExperts::Publish(const ExpertBatch& batch, absl::Status outcome) {
  const std::lock_guard<std::mutex> lock(mu_);
  ++published_;
  outcome_ = outcome;
  outputs_ = batch.outputs;
  readers_ = outcome.ok() ? taken_.size() - 1 : 0;
  changed_.notify_all();
  return outcome;
}

void SharedExperts::AwaitReaders() {
  std::unique_lock<std::mutex> lock(mu_);
  changed_.wait(lock, [&] { return readers_ == 0 || !aborted_.ok(); });
}

absl::Status SharedExperts::Take(size_t rank, const ExpertBatch& batch) {
  std::unique_lock<std::mutex> lock(mu_);
  changed_.wait(lock, [&] { return published_ > taken_[rank] || !aborted_.ok(); });
  if (!aborted_.ok()) return aborted_;
  ++taken_[rank];
  if (outcome_.ok()) std::copy_n(outputs_, batch.rows * batch.top_k, batch.outputs);
  return outcome_;
}

void SharedExperts::LetGo() {
  const std::lock_guard<std::mutex> lock(mu_);
  --readers_;
  changed_.notify_all();
}

}  // namespace baleen
