#include "services/gateway/generation/open_sequences.h"

#include <algorithm>
#include <mutex>

namespace baleen {

class OpenSequences::Counts {
 public:
  void Add(const std::string& worker_id, absl::Time now) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Worker& worker = workers_[worker_id];
    Advance(worker, now);
    worker.most = std::max(worker.most, ++worker.open);
  }

  void Remove(const std::string& worker_id) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --workers_[worker_id].open;
  }

  int64_t Now(const std::string& worker_id) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = workers_.find(worker_id);
    return it == workers_.end() ? 0 : it->second.open;
  }

  std::map<std::string, int64_t> Most(absl::Time now) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::map<std::string, int64_t> most;
    for (auto& [worker_id, worker] : workers_) {
      Advance(worker, now);
      most[worker_id] = std::max(worker.most, worker.most_before);
    }
    // Workers come and go for as long as a gateway runs.
    std::erase_if(workers_, [&](const auto& entry) { return most[entry.first] == 0; });
    return most;
  }

 private:
  struct Worker {
    int64_t open = 0;
    int64_t most = 0;         // In the period that began at `since`,
    int64_t most_before = 0;  // and in the one before.
    absl::Time since = absl::InfinitePast();
  };

  static void Advance(Worker& worker, absl::Time now) {
    const absl::Duration period = now - worker.since;
    if (period < kLookBack) return;
    worker.most_before = period < 2 * kLookBack ? worker.most : worker.open;
    worker.most = worker.open;
    worker.since = now;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Worker> workers_;
};

OpenSequences::OpenSequences() : counts_(std::make_shared<Counts>()) {}

std::shared_ptr<const void> OpenSequences::Add(const std::string& worker_id, absl::Time now) {
  counts_->Add(worker_id, now);
  return std::shared_ptr<const void>(nullptr, [counts = counts_, worker_id](const void*) { counts->Remove(worker_id); });
}

int64_t OpenSequences::Now(const std::string& worker_id) const { return counts_->Now(worker_id); }

std::map<std::string, int64_t> OpenSequences::Most(absl::Time now) { return counts_->Most(now); }

}  // namespace baleen
