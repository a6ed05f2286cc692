#include "transport/grpc/channel_cache.h"

#include <utility>

namespace baleen {

ChannelCache::ChannelCache(std::shared_ptr<grpc::ChannelCredentials> credentials)
    : credentials_(std::move(credentials)), severable_(dynamic_cast<const SeverableCredentials*>(credentials_.get())) {}

std::shared_ptr<grpc::Channel> ChannelCache::Get(const std::string& key, const Make& make) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(severed_, [](const auto& channel) { return channel.use_count() == 1; });
  if (channels_.size() >= kMaxIdle && channels_.count(key) == 0) {
    std::erase_if(channels_, [](const auto& entry) { return entry.second.use_count() == 1; });
  }
  std::shared_ptr<grpc::Channel>& channel = channels_[key];
  if (channel != nullptr && severable_ != nullptr && severable_->Severed(*channel)) severed_.push_back(std::exchange(channel, nullptr));
  if (channel == nullptr) channel = make(credentials_);
  return channel;
}

}  // namespace baleen
