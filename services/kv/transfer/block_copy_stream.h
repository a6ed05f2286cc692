// One stream of blocks to one other decode worker, shared by all sequences that are copied there.
#ifndef BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_STREAM_H_
#define BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_STREAM_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "services/kv/cache/block_pool.h"
#include "transport/transport.h"

namespace baleen {

// How far one sequence is copied. All fields are the stream's, under its lock.
struct BlockCopy {
  std::vector<BlockHash> names;  // Of its leading full blocks, those that are to be copied.
  std::optional<size_t> held;    // So many of them the other worker has; nullopt = it is to be asked.
  bool busy = false;             // Queued or unanswered.
};

// Thread-safe. A sequence has one message under way at a time, the stream kWindow: what is copied waits as a name, and is read from the
// pool when it is sent.
class BlockCopyStream : public std::enable_shared_from_this<BlockCopyStream> {
 public:
  static constexpr size_t kWindow = 8;
  static constexpr absl::Duration kRefusedFor = absl::Minutes(1);

  // `on_block` hears of each block that was sent, whether it is kept; on any thread.
  static std::shared_ptr<BlockCopyStream> Connect(Connector* connector, const std::string& address, BlockPool* pool, Clock* clock,
                                                  std::function<void(bool kept)> on_block);
  ~BlockCopyStream();

  // Copies what the other worker lacks of `names`, oldest first. What it refuses, or what is not cached here any more, ends that until the
  // next call.
  void Copy(const std::shared_ptr<BlockCopy>& copy, absl::Span<const BlockHash> names);
  // No more of it is sent.
  void Drop(BlockCopy& copy);
  void Close();
  // Whether another one may be opened in its place: it broke, and kRefusedFor has passed where that was a final refusal.
  bool over() const;

 private:
  BlockCopyStream(BlockPool* pool, Clock* clock, std::function<void(bool kept)> on_block)
      : pool_(pool), clock_(clock), on_block_(std::move(on_block)) {}

  void Pump();
  // The next message, its copy being in flight; false when there is none to send now.
  bool NextLocked(std::vector<BlockHash>* names, std::vector<BlockId>* block);
  Message MakeMessage(absl::Span<const BlockHash> names, absl::Span<const BlockId> block) const;
  void QueueLocked(const std::shared_ptr<BlockCopy>& copy);
  void OnAck(const Message& message);
  void Break(const absl::Status& why);
  void OnClosed(const absl::Status& why);

  BlockPool* const pool_;
  Clock* const clock_;
  const std::function<void(bool kept)> on_block_;
  mutable std::mutex mu_;
  std::shared_ptr<Connection> connection_;
  std::optional<absl::Time> over_at_;  // Set once the stream is broken.
  bool pumping_ = false;
  std::deque<std::shared_ptr<BlockCopy>> queue_;
  std::deque<std::shared_ptr<BlockCopy>> in_flight_;  // As they were sent: a stream keeps the order, so answers come in it too.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPY_STREAM_H_
