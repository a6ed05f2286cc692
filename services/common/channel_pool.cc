#include "services/common/channel_pool.h"

#include <utility>
#include <vector>

namespace baleen {

std::shared_ptr<grpc::Channel> ChannelPool::To(const std::string& address) {
  return channels_.Get(address, [&](const auto& credentials) { return MakeChannel(address, credentials, silence_); });
}

uint64_t OpenCalls::Add(std::function<void()> cancel) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (shut_) return 0;
  calls_[++last_id_] = std::move(cancel);
  return last_id_;
}

void OpenCalls::Remove(uint64_t id) {
  std::function<void()> cancel;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  cancel = std::move(it->second);  // What it owns goes after the lock.
  calls_.erase(it);
  removed_.notify_all();
}

void OpenCalls::Shutdown() {
  std::vector<std::function<void()>> cancels;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    shut_ = true;
    for (const auto& [id, cancel] : calls_) cancels.push_back(cancel);
  }
  for (const auto& cancel : cancels) cancel();
  cancels.clear();
  std::unique_lock<std::mutex> lock(mutex_);
  removed_.wait(lock, [this] { return calls_.empty(); });
}

}  // namespace baleen
