// Streams inside one process: for tests and the single binary. Messages move by reference, never copied.
#ifndef BALEEN_TRANSPORT_INPROC_INPROC_NETWORK_H_
#define BALEEN_TRANSPORT_INPROC_INPROC_NETWORK_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "transport/limits.h"
#include "transport/transport.h"

namespace baleen {

// Addresses are free-form names. Handlers of all streams run on the network's one thread. Thread-safe.
// The end that calls Close sees on_closed(CANCELLED), the other one UNAVAILABLE.
class InprocNetwork final : public Connector {
 public:
  explicit InprocNetwork(StreamBounds bounds = {});
  // Breaks every stream and waits for the last on_closed; not to be called from a handler.
  ~InprocNetwork() override;

  // Serves `method` at `address`; `accept` runs on the thread that connects. ALREADY_EXISTS when it is served.
  absl::Status Listen(const std::string& address, const std::string& method, AcceptFunction accept);
  // Stops serving all methods of `address` and breaks its streams: UNAVAILABLE at both ends, as when a process dies.
  void Kill(const std::string& address);

  std::shared_ptr<Connection> Connect(const std::string& address, const std::string& method, StreamHandlers handlers) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_INPROC_INPROC_NETWORK_H_
