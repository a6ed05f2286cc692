// UCX in this process: one context, a port for each session, one thread that moves them on.
#ifndef BALEEN_TRANSPORT_UCX_UCX_WORKER_H_
#define BALEEN_TRANSPORT_UCX_UCX_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "transport/ucx/fragment.h"
#include "transport/ucx/ucx_options.h"
#include "transport/ucx/ucx_place.h"

namespace baleen {

// One session's end, as the worker sees it.
class UcxReceiver {
 public:
  virtual ~UcxReceiver() = default;
  // The first three are called with the worker's lock held. `run` is gone when OnFragment returns.
  virtual void OnFragment(const FragmentHeader& header, absl::Span<const std::byte> run) = 0;
  virtual void OnEndpointError(absl::Status status) = 0;
  // About ten times a second while any receiver asked for it.
  virtual void OnTick(absl::Time now) = 0;
  // On the worker's thread, without the lock, once after each Schedule.
  virtual void Run() = 0;
};

// An active message on its way. Stays where it is, with what it refers to, until `done` is called, with the lock held, unless Post said
// that it is done already.
struct UcxPost {
  struct Slice {
    const void* data;
    size_t size;
  };
  WireFragmentHeader header;
  Slice slices[2];  // Laid out as UCX's own vector is.
  size_t slice_count = 0;
  void (*done)(UcxPost* post, absl::Status status) = nullptr;
};

class UcxEndpoint;  // A path to one peer's port.
struct UcxPort;     // Where a session's peer writes.

// Thread-safe where a comment says so; what needs the lock says so too. Receivers must be gone before it is destroyed.
class UcxWorker {
 public:
  // Held while UCX is called. Taken with a short spin, since the worker's thread lets go of it often.
  class Lock {
   public:
    explicit Lock(UcxWorker& worker);
    void Release() { held_.unlock(); }
    void Take();

   private:
    std::unique_lock<std::mutex> held_;
  };

  // FAILED_PRECONDITION where encryption is required; UNAVAILABLE names what UCX could not do, INVALID_ARGUMENT a bad device name.
  // The first call in a process sets variables of its environment, so it comes before threads that read it.
  static absl::StatusOr<std::unique_ptr<UcxWorker>> Create(const UcxOptions& options);
  ~UcxWorker();

  // Of UCX; two workers talk only when theirs are equal.
  static std::string Version();

  const UcxPlace& place() const;

  // Without the lock, since it takes a while. In shared memory each caller has a port of its own: a peer that dies or is stopped in the
  // middle of a write leaves a gap there that UCX waits at for ever, with all that others write behind it. Over networks, where nothing of
  // the kind happens, all share one. UNAVAILABLE names what UCX could not do.
  absl::StatusOr<std::shared_ptr<UcxPort>> OpenPort();
  // What a peer needs to make an endpoint to it.
  static const std::string& AddressOf(const UcxPort& port);

  // With the lock, from here on.

  // The session's number; messages for it need `token`. Without a port it hears of what is scheduled alone.
  uint64_t Register(std::shared_ptr<UcxReceiver> receiver, const SessionToken& token, std::shared_ptr<UcxPort> port);
  void Unregister(uint64_t session);
  // Has receiver->Run called; once however often it is scheduled before.
  void Schedule(uint64_t session);
  void SetTicking(uint64_t session, bool ticking);
  // Has the session's receiver given what has reached its port: all of it in shared memory, what the network has brought elsewhere.
  void TakeArrived(uint64_t session);

  // From the session's port. UNAVAILABLE when no device reaches the peer. Errors of the path go to the session's receiver.
  absl::StatusOr<UcxEndpoint*> Connect(const std::string& peer_address, uint64_t session);
  // True when the message has left the post already; false when post->done will be called. A failed post is done with an error.
  bool Post(UcxEndpoint* endpoint, UcxPost* post);
  // Every post that is under way is done by the time that receiver->Run is called next; the endpoint is gone then.
  void Disconnect(UcxEndpoint* endpoint);

 private:
  friend class UcxEndpoint;
  struct Impl;
  explicit UcxWorker(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_WORKER_H_
