// The open streams of one connector or server.
#ifndef BALEEN_TRANSPORT_GRPC_STREAM_REGISTRY_H_
#define BALEEN_TRANSPORT_GRPC_STREAM_REGISTRY_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "transport/transport.h"

namespace baleen {

// Thread-safe. Shared with its streams, so that the last one may outlive its owner's wait.
class StreamRegistry {
 public:
  // False after Shutdown: the stream must not start.
  bool Add(const std::shared_ptr<Connection>& stream);
  // After the stream's on_closed returned.
  void Remove(const Connection* stream);
  // Closes every stream, refuses new ones, and waits until all are removed.
  void Shutdown();

 private:
  std::mutex mu_;
  std::condition_variable removed_;
  std::map<const Connection*, std::weak_ptr<Connection>> streams_;
  bool shut_ = false;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_STREAM_REGISTRY_H_
