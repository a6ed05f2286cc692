// The messages that wait to be written to one gRPC stream, and when it may end.
#ifndef BALEEN_TRANSPORT_GRPC_SEND_QUEUE_H_
#define BALEEN_TRANSPORT_GRPC_SEND_QUEUE_H_

#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <mutex>

#include "absl/status/statusor.h"
#include "transport/limits.h"

namespace baleen {

// gRPC allows one write at a time and none after the end, so every step says what its caller is to do. Thread-safe.
class SendQueue {
 public:
  enum class Next {
    kNothing,
    kWrite,   // Write front(); WriteDone follows.
    kFinish,  // No write is in flight and none will be. Said exactly once.
  };

  explicit SendQueue(StreamBounds bounds);

  // RESOURCE_EXHAUSTED over the bounds, UNAVAILABLE after Finish and Break.
  absl::StatusOr<Next> Push(grpc::ByteBuffer buffer);
  Next WriteDone(bool ok);
  // Refuses more; kFinish follows when what waits is written.
  Next Finish();
  // Drops what waits and refuses more.
  Next Break();

  // Stays where it is between kWrite and WriteDone.
  const grpc::ByteBuffer* front() const;

 private:
  Next BreakLocked();

  const StreamBounds bounds_;
  mutable std::mutex mu_;
  std::deque<grpc::ByteBuffer> queue_;  // While writing_, the first one is in flight.
  size_t bytes_ = 0;
  bool writing_ = false;
  bool finishing_ = false;
  bool broken_ = false;
  bool finish_said_ = false;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_SEND_QUEUE_H_
