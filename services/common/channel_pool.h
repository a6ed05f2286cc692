// One gRPC channel per address, and the calls made over them.
#ifndef BALEEN_SERVICES_COMMON_CHANNEL_POOL_H_
#define BALEEN_SERVICES_COMMON_CHANNEL_POOL_H_

#include <grpcpp/channel.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "services/common/channel.h"
#include "transport/grpc/channel_cache.h"

namespace baleen {

// Thread-safe; lets channels go as ChannelCache does.
class ChannelPool {
 public:
  // A peer that is silent for `silence` counts as gone, as MakeChannel has it.
  ChannelPool(std::shared_ptr<grpc::ChannelCredentials> credentials, absl::Duration silence)
      : silence_(silence), channels_(std::move(credentials)) {}
  std::shared_ptr<grpc::Channel> To(const std::string& address);

 private:
  const absl::Duration silence_;
  ChannelCache channels_;
};

// Calls in flight. gRPC joins its own threads when the last channel goes, so that must not happen in a callback: who owns a ChannelPool
// shuts its calls down before the pool goes. Shared with the calls. Thread-safe.
class OpenCalls {
 public:
  // 0 after Shutdown: the call must not start. `cancel` makes it end soon; called without locks, maybe after the call's end.
  uint64_t Add(std::function<void()> cancel);
  // When the call's callback no longer needs the channel.
  void Remove(uint64_t id);
  // Cancels all and waits for their ends.
  void Shutdown();

 private:
  std::mutex mutex_;
  std::condition_variable removed_;
  std::map<uint64_t, std::function<void()>> calls_;
  uint64_t last_id_ = 0;
  bool shut_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CHANNEL_POOL_H_
