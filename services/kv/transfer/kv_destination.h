// One stream of pages to one decode worker, shared by all pushes that go there.
#ifndef BALEEN_SERVICES_KV_TRANSFER_KV_DESTINATION_H_
#define BALEEN_SERVICES_KV_TRANSFER_KV_DESTINATION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "proto/baleen/v1/kv.pb.h"
#include "services/kv/cache/block_pool.h"
#include "transport/transport.h"

namespace baleen {

struct KvPush;

// Rows of one layer that wait to be sent or acknowledged.
struct KvPage {
  std::shared_ptr<KvPush> push;
  int layer = 0;
  int64_t first = 0;
  int64_t count = 0;
};

// What is on its way to one reservation. All fields but the constants are the destination's, under its lock.
struct KvPush {
  v1::RequestContext context;
  uint64_t reservation = 0;
  std::vector<BlockId> blocks;        // One reference each, held until the push is over.
  std::vector<int64_t> queued_until;  // By layer; rows before it were queued once.
  int64_t outstanding = 0;            // Pages queued or unacknowledged.
  bool finishing = false;
  bool over = false;
  std::function<void(absl::Status)> on_over;
};

// Thread-safe. Pages are read from the pool when they are sent, so waiting costs no memory; at most `window_bytes` (or one page) in at most
// kWindowPages are unacknowledged, those of pushes that are over included: the transport may still hold them.
class KvDestination : public std::enable_shared_from_this<KvDestination> {
 public:
  // Well below the messages that a stream queues either way (StreamBounds): a decode worker at rest slows pushes down and breaks none.
  static constexpr size_t kWindowPages = 512;

  static std::shared_ptr<KvDestination> Connect(Connector* connector, const std::string& address, BlockPool* pool, int64_t window_bytes);
  ~KvDestination();

  void Enqueue(const std::shared_ptr<KvPush>& push, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count);
  void Finish(const std::shared_ptr<KvPush>& push);
  // Ends the push with `status` unless it is over.
  void End(const std::shared_ptr<KvPush>& push, const absl::Status& status);
  void Close();
  bool broken() const;

 private:
  using Callbacks = std::vector<std::pair<std::function<void(absl::Status)>, absl::Status>>;

  KvDestination(BlockPool* pool, int64_t window_bytes) : pool_(pool), window_bytes_(window_bytes) {}
  int64_t BytesOf(const KvPage& page) const { return page.count * pool_->shape().RowBytes(); }
  void EnqueueLocked(const std::shared_ptr<KvPush>& push, absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count);
  // `blocks` are those that the page's rows lie in, as NextToSend gives them.
  Message MakeMessage(const KvPage& page, absl::Span<const BlockId> blocks) const;
  void Pump();
  bool NextToSend(KvPage* page, std::vector<BlockId>* blocks, std::shared_ptr<Connection>* connection);
  void OnAck(const Message& message);
  // Of the page that was sent first.
  void TakeAckLocked(const v1::KvAckHeader& ack, Callbacks* callbacks);
  void OnClosed(const absl::Status& status);
  void EndLocked(const std::shared_ptr<KvPush>& push, const absl::Status& status, Callbacks* callbacks);
  static void Run(Callbacks callbacks);

  BlockPool* const pool_;
  const int64_t window_bytes_;
  mutable std::mutex mu_;
  std::shared_ptr<Connection> connection_;
  absl::Status broken_;
  bool pumping_ = false;
  std::deque<KvPage> queue_;
  std::deque<KvPage> in_flight_;  // Unacknowledged, as they were sent. A stream keeps the order, so acknowledgements come in it too.
  int64_t in_flight_bytes_ = 0;
  std::map<KvPush*, std::shared_ptr<KvPush>> pushes_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_KV_DESTINATION_H_
