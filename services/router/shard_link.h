// One shard's stream, kept open: connects, says hello, connects again when it breaks.
#ifndef BALEEN_SERVICES_ROUTER_SHARD_LINK_H_
#define BALEEN_SERVICES_ROUTER_SHARD_LINK_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/baleen/v1/expert.pb.h"
#include "transport/transport.h"

namespace baleen {

class ShardLink;

// Called on transport threads without the link's lock, never two at once for one link. Each gets the link that it is about.
struct ShardEvents {
  std::function<void(const ShardLink&, const v1::ExpertReplyHeader&, const Payload&)> on_reply;
  std::function<void(const ShardLink&)> on_up;                  // The shard answered hello.
  std::function<void(const ShardLink&)> on_alive;               // The shard answered a probe.
  std::function<void(const ShardLink&, absl::Status)> on_down;  // The stream broke; calls in flight are lost.
};

// Thread-safe; Tick has one caller. Owned by shared_ptr.
class ShardLink : public std::enable_shared_from_this<ShardLink> {
 public:
  ShardLink(Connector* connector, std::string address, std::string numerics_id, absl::Duration hello_timeout, ShardEvents events);

  // Connects when it is time to; breaks a stream whose hello is not answered. Returns when to call next.
  absl::Time Tick(absl::Time now);

  bool up() const;
  // Why it is not up.
  absl::Status last_error() const;
  // UNAVAILABLE when not up.
  absl::Status Send(Message message);
  // Asks a shard that is up for a sign of life.
  void Probe();
  // For good: no more connects; events may still come.
  void Close();

 private:
  // kBroken until on_down has returned: the next stream's on_up must not overtake it.
  enum class State { kIdle, kConnecting, kUp, kBroken, kClosed };

  void Connect(absl::Time now);
  void OnMessage(const Message& message);
  void OnHello(const v1::ExpertReplyHeader& reply);
  void OnClosed(const absl::Status& status);

  Connector* const connector_;
  const std::string address_;
  const std::string numerics_id_;
  const absl::Duration hello_timeout_;
  const ShardEvents events_;

  mutable std::mutex mu_;
  State state_ = State::kIdle;
  std::shared_ptr<Connection> connection_;
  absl::Time next_connect_ = absl::InfinitePast();
  absl::Time hello_due_ = absl::InfiniteFuture();
  absl::Duration backoff_;
  absl::Status last_error_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_SHARD_LINK_H_
