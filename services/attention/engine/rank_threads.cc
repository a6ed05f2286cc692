#include "services/attention/engine/rank_threads.h"

#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/device_status.h"

namespace baleen {

RankThreads::RankThreads(int ranks) : outcomes_(static_cast<size_t>(ranks)) {
  for (int rank = 1; rank < ranks; ++rank) threads_.emplace_back([this, rank] { Serve(rank); });
}

RankThreads::~RankThreads() {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    round_ = -1;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void RankThreads::Serve(int rank) {
  const absl::Status selected = FromDevice(cuda::SelectDevice(rank));
  std::unique_lock<std::mutex> lock(mu_);
  for (int64_t done = 0;;) {
    changed_.wait(lock, [&] { return round_ != done; });
    if (round_ < 0) return;
    done = round_;
    lock.unlock();
    const absl::Status outcome = selected.ok() ? (*body_)(rank) : selected;
    lock.lock();
    outcomes_[static_cast<size_t>(rank)] = outcome;
    --running_;
    changed_.notify_all();
  }
}

absl::Status RankThreads::Run(const std::function<absl::Status(int rank)>& body) {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    body_ = &body;
    running_ = static_cast<int>(threads_.size());
    ++round_;
  }
  changed_.notify_all();
  absl::Status first = body(0);
  std::unique_lock<std::mutex> lock(mu_);
  changed_.wait(lock, [&] { return running_ == 0; });
  outcomes_[0] = std::move(first);
  for (const absl::Status& outcome : outcomes_) RETURN_IF_ERROR(outcome);
  return absl::OkStatus();
}

}  // namespace baleen
