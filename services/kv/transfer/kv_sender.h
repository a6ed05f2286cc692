// The prefill worker's end of KvTransfer.Push.
#ifndef BALEEN_SERVICES_KV_TRANSFER_KV_SENDER_H_
#define BALEEN_SERVICES_KV_TRANSFER_KV_SENDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "services/kv/cache/block_pool.h"
#include "services/kv/transfer/kv_destination.h"
#include "transport/transport.h"

namespace baleen {

struct KvSenderOptions {
  int64_t window_bytes = 32 << 20;  // Unacknowledged, per decode worker.
};

// Pages of one reservation. Thread-safe.
class KvTransferHandle {
 public:
  KvTransferHandle(std::shared_ptr<KvDestination> destination, std::shared_ptr<KvPush> push)
      : destination_(std::move(destination)), push_(std::move(push)) {}
  // Rows [first, first + count) of `layer` are final in `blocks` (the same blocks at each call). Rows of a layer come in ascending order;
  // rows queued before are left out. As many rows as there are: they go in pages that a message holds. Never blocks.
  void Enqueue(absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) {
    destination_->Enqueue(push_, blocks, layer, first, count);
  }
  // No more rows follow.
  void Finish() { destination_->Finish(push_); }
  void Cancel() { destination_->End(push_, absl::CancelledError("the push was cancelled")); }

 private:
  std::shared_ptr<KvDestination> destination_;
  std::shared_ptr<KvPush> push_;
};

// Thread-safe. One stream a decode worker, opened anew when it broke.
class KvSender {
 public:
  KvSender(const KvSenderOptions& options, Connector* connector, BlockPool* pool);
  ~KvSender();

  // Opens a push to a reservation. `on_over` is called exactly once, on any thread and maybe within a call of the handle: OK after Finish
  // when all pages are acknowledged, else why not. Blocks stay referenced until then.
  std::shared_ptr<KvTransferHandle> Open(const std::string& address, const v1::RequestContext& context, uint64_t reservation,
                                         std::function<void(absl::Status)> on_over);

 private:
  const KvSenderOptions options_;
  Connector* const connector_;
  BlockPool* const pool_;
  std::mutex mu_;
  std::map<std::string, std::shared_ptr<KvDestination>> destinations_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_KV_SENDER_H_
