// One attempt of a sequence on one decode worker.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_DECODE_STREAM_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_DECODE_STREAM_H_

#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/baleen/v1/attention.pb.h"

namespace baleen {

// A worker ends its sequences by their deadline; one that does not answer any more is given up this much later.
constexpr absl::Duration kDeadlineGrace = absl::Seconds(1);

struct DecodeCallbacks {
  std::function<void(const v1::DecodeEvent&)> on_event;
  // Exactly once, after the last event.
  std::function<void(absl::Status)> on_done;
};

// Thread-safe.
class DecodeStream {
 public:
  virtual ~DecodeStream() = default;
  // Frees the sequence on the worker; on_done still follows.
  virtual void Cancel() = 0;
  // As Cancel, but a resumable request stays with the worker for its resume window, unless on_done says that the worker has gone.
  virtual void Detach() { Cancel(); }
  // While paused no events come, nor the stream's end, whatever its reason; few are buffered, then the sequence pauses on its worker.
  virtual void Pause(bool paused) {}
};

// Opens streams to decode workers by address. Thread-safe.
class DecodeDialer {
 public:
  virtual ~DecodeDialer() = default;
  // Callbacks run on transport threads, one at a time, possibly before this returns.
  virtual std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence start, DecodeCallbacks callbacks) = 0;
  // Detaches all streams and waits for their ends; one that is opened later ends at once.
  virtual void Shutdown() {}
};

// Over gRPC, one pooled channel per address; a worker that does not answer pings for three quarters of a second counts as gone. Its
// destructor shuts it down.
std::unique_ptr<DecodeDialer> MakeGrpcDecodeDialer(std::shared_ptr<grpc::ChannelCredentials> credentials);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_DECODE_STREAM_H_
