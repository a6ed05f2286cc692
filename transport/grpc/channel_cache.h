// One gRPC channel per key.
#ifndef BALEEN_TRANSPORT_GRPC_CHANNEL_CACHE_H_
#define BALEEN_TRANSPORT_GRPC_CHANNEL_CACHE_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "transport/grpc/severable_credentials.h"

namespace baleen {

// Thread-safe. What nobody uses any more, channels beyond kMaxIdle and severed ones, is let go on the caller's thread: gRPC joins its own
// threads when the last channel goes.
class ChannelCache {
 public:
  // Addresses change when workers restart.
  static constexpr size_t kMaxIdle = 256;

  // `make` makes a channel with `credentials`, which may be null.
  using Make = std::function<std::shared_ptr<grpc::Channel>(const std::shared_ptr<grpc::ChannelCredentials>& credentials)>;

  explicit ChannelCache(std::shared_ptr<grpc::ChannelCredentials> credentials);
  // The channel of `key`, by `make` where there is none, or a severed one.
  std::shared_ptr<grpc::Channel> Get(const std::string& key, const Make& make);

 private:
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const SeverableCredentials* const severable_;  // The same; null where they sever nothing.
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::shared_ptr<grpc::Channel>> severed_;  // Until their calls have ended.
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_CHANNEL_CACHE_H_
