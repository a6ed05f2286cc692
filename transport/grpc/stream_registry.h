// The open streams of one connector or server.
#ifndef BALEEN_TRANSPORT_GRPC_STREAM_REGISTRY_H_
#define BALEEN_TRANSPORT_GRPC_STREAM_REGISTRY_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "transport/transport.h"

namespace baleen {

// How long a server that shuts down lets its peers take what is queued for them.
inline constexpr absl::Duration kSendTime = absl::Seconds(1);

// A stream as its registry sees it.
class OwnedStream : public Connection {
 public:
  // Takes no more messages, and closes once those that it took are sent. Close closes it all the same.
  virtual void CloseWhenSent() { Close(); }
};

// Thread-safe. Shared with its streams, so that the last one may outlive its owner's wait.
class StreamRegistry {
 public:
  // False after Shutdown: the stream must not start.
  bool Add(const std::shared_ptr<OwnedStream>& stream);
  // After the stream's on_closed returned.
  void Remove(const OwnedStream* stream);
  // Closes every stream, when it has sent what it took but within `patience`, refuses new ones, and waits until all are removed.
  void Shutdown(absl::Duration patience = absl::ZeroDuration());

 private:
  std::vector<std::shared_ptr<OwnedStream>> Open();

  std::mutex mu_;
  std::condition_variable removed_;
  std::map<const OwnedStream*, std::weak_ptr<OwnedStream>> streams_;
  bool shut_ = false;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_STREAM_REGISTRY_H_
