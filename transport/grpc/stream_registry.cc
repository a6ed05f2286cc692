#include "transport/grpc/stream_registry.h"

#include <vector>

namespace baleen {

bool StreamRegistry::Add(const std::shared_ptr<Connection>& stream) {
  std::lock_guard lock(mu_);
  if (shut_) return false;
  streams_.emplace(stream.get(), stream);
  return true;
}

void StreamRegistry::Remove(const Connection* stream) {
  std::lock_guard lock(mu_);
  streams_.erase(stream);
  removed_.notify_all();
}

void StreamRegistry::Shutdown() {
  std::vector<std::shared_ptr<Connection>> open;
  {
    std::lock_guard lock(mu_);
    shut_ = true;
    for (const auto& [key, stream] : streams_) {
      if (auto alive = stream.lock()) open.push_back(std::move(alive));
    }
  }
  for (const auto& stream : open) stream->Close();
  std::unique_lock lock(mu_);
  removed_.wait(lock, [this] { return streams_.empty(); });
}

}  // namespace baleen
