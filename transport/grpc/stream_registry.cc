#include "transport/grpc/stream_registry.h"

namespace baleen {

bool StreamRegistry::Add(const std::shared_ptr<OwnedStream>& stream) {
  std::lock_guard lock(mu_);
  if (shut_) return false;
  streams_.emplace(stream.get(), stream);
  return true;
}

void StreamRegistry::Remove(const OwnedStream* stream) {
  std::lock_guard lock(mu_);
  streams_.erase(stream);
  removed_.notify_all();
}

std::vector<std::shared_ptr<OwnedStream>> StreamRegistry::Open() {
  std::vector<std::shared_ptr<OwnedStream>> open;
  std::lock_guard lock(mu_);
  for (const auto& [key, stream] : streams_) {
    if (auto alive = stream.lock()) open.push_back(std::move(alive));
  }
  return open;
}

void StreamRegistry::Shutdown(absl::Duration patience) {
  const auto none_left = [this] { return streams_.empty(); };
  {
    std::lock_guard lock(mu_);
    shut_ = true;
  }
  if (patience > absl::ZeroDuration()) {
    for (const auto& stream : Open()) stream->CloseWhenSent();
    std::unique_lock lock(mu_);
    if (removed_.wait_for(lock, absl::ToChronoNanoseconds(patience), none_left)) return;
  }
  for (const auto& stream : Open()) stream->Close();
  std::unique_lock lock(mu_);
  removed_.wait(lock, none_left);
}

}  // namespace baleen
