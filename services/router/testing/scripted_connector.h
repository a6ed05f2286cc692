// Streams to shards whose every event the test brings about, on the thread that it chooses.
#ifndef BALEEN_SERVICES_ROUTER_TESTING_SCRIPTED_CONNECTOR_H_
#define BALEEN_SERVICES_ROUTER_TESTING_SCRIPTED_CONNECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "transport/transport.h"

namespace baleen {

// Thread-safe, but that no two events may be at once. Answers hellos by itself, within Send.
class ScriptedStream final : public Connection {
 public:
  explicit ScriptedStream(StreamHandlers handlers) : handlers_(std::move(handlers)) {}

  // Blocks with a call's id in call_id() until ReleaseCalls.
  absl::Status Send(Message message) override;
  // Only notes it: on_closed is End's.
  void Close() override;

  // The shard answers the call with so many bytes of zeros.
  void Answer(uint64_t call_id, size_t bytes);
  // on_closed, once.
  void End(const absl::Status& status) { handlers_.on_closed(status); }
  void ReleaseCalls() { released_.Notify(); }

  // Wait until the first call is sent and until Close.
  uint64_t call_id();
  void WaitForClose() { closed_.WaitForNotification(); }

 private:
  const StreamHandlers handlers_;
  absl::Notification called_;
  absl::Notification released_;
  absl::Notification closed_;
  std::mutex mu_;
  uint64_t call_id_ = 0;
};

// Thread-safe.
class ScriptedConnector final : public Connector {
 public:
  std::shared_ptr<Connection> Connect(const std::string& address, const std::string& method, StreamHandlers handlers) override;

  // All so far, in order.
  std::vector<std::shared_ptr<ScriptedStream>> streams() const;

 private:
  mutable std::mutex mu_;
  std::vector<std::shared_ptr<ScriptedStream>> streams_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_TESTING_SCRIPTED_CONNECTOR_H_
