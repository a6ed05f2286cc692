// How much one end may send before the other one has consumed it.
#ifndef BALEEN_TRANSPORT_UCX_STREAM_WINDOW_H_
#define BALEEN_TRANSPORT_UCX_STREAM_WINDOW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "transport/limits.h"

namespace baleen {

// A message may begin while less than this is unacknowledged, so one end holds at most this and one message for a reader that is slow.
constexpr uint64_t kWindowBytes = uint64_t{8} << 20;

// What a message takes of the window; the constant bounds how many empty ones there can be.
constexpr uint64_t WindowCost(size_t message_bytes) { return message_bytes + 512; }

class SendWindow {
 public:
  bool open() const { return sent_ - acked_ < kWindowBytes; }
  bool all_acked() const { return sent_ == acked_; }
  void Sent(uint64_t cost) { sent_ += cost; }
  // The sum of the costs of all messages consumed; a late, smaller one tells nothing new. False when it is more than was sent.
  bool Acked(uint64_t consumed) {
    if (consumed > sent_) return false;
    acked_ = std::max(acked_, consumed);
    return true;
  }

 private:
  uint64_t sent_ = 0;
  uint64_t acked_ = 0;
};

class ReceiveWindow {
 public:
  // False when the peer sends more than it may.
  bool Received(uint64_t cost) {
    received_ += cost;
    return received_ - acked_ < kWindowBytes + WindowCost(kMaxHeaderBytes + kMaxPayloadBytes);
  }
  // What is to be acknowledged now: seldom, but before the peer could be waiting for it.
  std::optional<uint64_t> Consumed(uint64_t cost) {
    consumed_ += cost;
    const bool awaited = asked_ && consumed_ == received_;
    if (consumed_ - acked_ < kWindowBytes / 4 && !awaited) return std::nullopt;
    acked_ = consumed_;
    return acked_;
  }
  // The same when the peer asks: for now, and for what is consumed from now on.
  std::optional<uint64_t> Asked() {
    asked_ = true;
    return Consumed(0);
  }

 private:
  bool asked_ = false;
  uint64_t received_ = 0;
  uint64_t consumed_ = 0;
  uint64_t acked_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_STREAM_WINDOW_H_
