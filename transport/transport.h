// Message streams between processes: a small header and a payload of raw values.
#ifndef BALEEN_TRANSPORT_TRANSPORT_H_
#define BALEEN_TRANSPORT_TRANSPORT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace baleen {

// Bytes with shared ownership; immutable once made.
struct Payload {
  std::shared_ptr<const void> owner;
  const std::byte* data = nullptr;
  size_t size = 0;

  // Takes over a container with data() and size() of trivially copyable elements.
  template <typename Container>
  static Payload Own(Container container) {
    auto shared = std::make_shared<const Container>(std::move(container));
    return {shared, reinterpret_cast<const std::byte*>(shared->data()), shared->size() * sizeof(*shared->data())};
  }
};

struct Message {
  std::string header;  // A serialised header proto.
  Payload payload;
};

// One end of a stream. Thread-safe. Messages arrive in order; delivery is not confirmed by Send.
class Connection {
 public:
  virtual ~Connection() = default;
  // Queues the message. RESOURCE_EXHAUSTED when more than the bound is queued, UNAVAILABLE when the stream is broken.
  virtual absl::Status Send(Message message) = 0;
  // Breaks the stream; on_closed follows if it has not been called.
  virtual void Close() = 0;
};

// Called on transport threads, never two at once for one stream; must not block for long.
struct StreamHandlers {
  std::function<void(Message)> on_message;
  // Exactly once, after the last message.
  std::function<void(absl::Status)> on_closed;
};

// Opens streams of one named method ("/baleen.v1.Expert/Exchange") to addresses. Thread-safe.
class Connector {
 public:
  virtual ~Connector() = default;
  // The stream may still be connecting when this returns; failure shows as on_closed(UNAVAILABLE). Handlers may run before it returns.
  virtual std::shared_ptr<Connection> Connect(const std::string& address, const std::string& method, StreamHandlers handlers) = 0;
};

// Serves streams: called for each new one; returns the handlers of that stream. `connection` is usable at once.
using AcceptFunction = std::function<StreamHandlers(std::shared_ptr<Connection> connection)>;

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_TRANSPORT_H_
