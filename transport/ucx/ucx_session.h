// One end of a stream over UCX, from the moment that both ends know each other's address.
#ifndef BALEEN_TRANSPORT_UCX_UCX_SESSION_H_
#define BALEEN_TRANSPORT_UCX_UCX_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "transport/limits.h"
#include "transport/transport.h"
#include "transport/ucx/assembler.h"
#include "transport/ucx/fragment.h"
#include "transport/ucx/stream_window.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {

// What tells one end how to reach the other; goes over the control channel only.
struct UcxCoordinates {
  std::string worker_address;
  uint64_t session = 0;
  SessionToken token{};
};

// Called on the worker's thread, one at a time, without its lock.
struct UcxSessionEvents {
  std::function<void()> on_open;  // A message went each way; before the first on_message.
  std::function<void(Message)> on_message;
  // Exactly once and last. `opened` is whether on_open was called.
  std::function<void(absl::Status, bool opened)> on_ended;
};

// Thread-safe. Lives until on_ended has returned, whoever holds it.
class UcxSession final : public UcxReceiver, public std::enable_shared_from_this<UcxSession> {
 public:
  enum class Side { kConnects, kAccepts };  // The side that connects says hello first.

  UcxSession(UcxWorker* worker, Side side, StreamBounds bounds);
  ~UcxSession() override;

  // Once, before anything else. What the peer needs to know; without an address, it has ended with FAILED_PRECONDITION.
  UcxCoordinates Start(UcxSessionEvents events);
  // Once. Ends with DEADLINE_EXCEEDED unless the path works before `deadline`, and with FAILED_PRECONDITION when there is none.
  void Attach(const UcxCoordinates& peer, absl::Time deadline);

  // As Connection::Send. Before it is open, messages wait, and also when it ended before, until TakeUnsent.
  absl::Status Send(Message message);
  // The first reason counts. What was received before is still delivered, unless the reason is CANCELLED.
  void End(absl::Status reason);
  // The same once the peer has consumed what was sent; takes no more meanwhile.
  void EndWhenSent(absl::Status reason);
  // The same for a peer that has ended: what it sent before is received.
  void EndWithPeer(absl::Status reason);
  // After on_ended of a session that never opened: what waited to be sent.
  std::deque<Message> TakeUnsent();

  void OnFragment(const FragmentHeader& header, absl::Span<const std::byte> run) override;
  void OnEndpointError(absl::Status status) override;
  void OnTick(absl::Time now) override;
  void Run() override;

 private:
  struct Outgoing {
    Message message;
    size_t posted = 0;  // Bytes of header and payload.
    bool held = false;  // By UCX.
    size_t size() const { return message.header.size() + message.payload.size; }
  };
  struct FragmentPost;

  void EndLocked(absl::Status reason);
  void OnHello();
  void OnData(const FragmentHeader& header, absl::Span<const std::byte> run);
  void PostControl(FragmentKind kind, uint64_t sequence);
  void PostNext(Outgoing* out);
  void Submit(std::unique_ptr<FragmentPost> post);
  void Pump();
  void EndIfSent();
  void Acknowledge(std::optional<uint64_t> consumed);
  void PopDone();
  bool DeliverOne(UcxWorker::Lock* lock);
  void Finish(UcxWorker::Lock* lock);

  UcxWorker* const worker_;
  const Side side_;
  const StreamBounds bounds_;
  UcxSessionEvents events_;  // Of the worker's thread after Start.

  // Guarded by the worker's lock.
  uint64_t number_ = 0;
  const SessionToken token_ = DrawToken();
  UcxCoordinates peer_;
  UcxEndpoint* endpoint_ = nullptr;
  absl::Time deadline_ = absl::InfiniteFuture();
  bool open_ = false;
  bool open_said_ = false;
  std::optional<absl::Status> ended_;
  std::optional<absl::Status> ends_when_sent_;
  bool asked_ = false;  // The peer, whether it has all.
  bool finished_ = false;
  bool unsent_taken_ = false;

  std::deque<Outgoing> queue_;  // The first `begun_` are under way; elements stay where they are.
  size_t queued_bytes_ = 0;
  size_t begun_ = 0;
  int posts_ = 0;  // Held by UCX, of any kind.
  bool holds_data_ = false;
  uint64_t next_sequence_ = 0;
  SendWindow send_window_;

  Assembler assembler_;
  std::deque<Message> inbox_;
  ReceiveWindow receive_window_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_SESSION_H_
