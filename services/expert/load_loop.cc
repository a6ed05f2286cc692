#include "services/expert/load_loop.h"

#include <algorithm>
#include <utility>

namespace baleen {

LoadLoop::LoadLoop(LoadLoopOptions options) : options_(std::move(options)), thread_([this] { Run(); }) {}

LoadLoop::~LoadLoop() { Stop(); }

void LoadLoop::Assign(std::vector<v1::ExpertRange> ranges) {
  std::lock_guard lock(mu_);
  newest_ = std::move(ranges);
  changed_.notify_all();
}

void LoadLoop::Stop() {
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// False to stop. Otherwise there is a newer assignment, or the pause is over; none = nothing is to be tried again.
bool LoadLoop::WaitLocked(std::unique_lock<std::mutex>& lock, std::optional<absl::Duration> pause) {
  const auto due = [this] { return stopping_ || newest_.has_value(); };
  if (pause.has_value()) {
    changed_.wait_for(lock, absl::ToChronoNanoseconds(*pause), due);
  } else {
    changed_.wait(lock, due);
  }
  return !stopping_;
}

void LoadLoop::Run() {
  std::vector<v1::ExpertRange> ranges;
  std::optional<absl::Duration> pause;
  std::unique_lock lock(mu_);
  while (WaitLocked(lock, pause)) {
    if (newest_.has_value()) {
      ranges = *std::exchange(newest_, std::nullopt);
      pause = std::nullopt;
    }
    lock.unlock();
    const absl::Status loaded = options_.load(ranges);
    options_.on_tried();
    lock.lock();
    if (loaded.ok()) {
      pause = std::nullopt;
    } else {
      pause = pause.has_value() ? std::min(2 * *pause, options_.max_pause) : options_.first_pause;
    }
  }
}

}  // namespace baleen
