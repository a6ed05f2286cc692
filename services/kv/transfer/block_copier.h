// The end of KvTransfer.Copy that has the blocks: sequences' KV into other workers' prefix caches.
#ifndef BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPIER_H_
#define BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPIER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "absl/types/span.h"
#include "base/clock.h"
#include "services/kv/cache/block_pool.h"
#include "services/kv/transfer/block_copy_stream.h"
#include "transport/transport.h"

namespace baleen {

// Thread-safe. One stream a worker, opened anew when it broke; a worker that will take no copies (an older release, another shape of KV) is
// left alone for BlockCopyStream::kRefusedFor. As good as it can: nothing waits for a copy, and nobody hears of one that failed but
// `on_block`.
class BlockCopier {
 public:
  // `on_block` hears of each block that was sent, whether it is kept; on any thread. The pointers outlive this.
  BlockCopier(Connector* connector, BlockPool* pool, Clock* clock, std::function<void(bool kept)> on_block);
  ~BlockCopier();

  // Of a sequence whose leading full blocks have these names, in the pool's prefix cache: the worker at `address` is to have them too.
  // Never blocks. A sequence may be called for again, with more names or for another worker.
  void Copy(uint64_t sequence, const std::string& address, absl::Span<const BlockHash> names);
  // The sequence is no more. Unknown ones are ignored.
  void Forget(uint64_t sequence);

 private:
  struct Entry {
    std::shared_ptr<BlockCopyStream> stream;
    std::shared_ptr<BlockCopy> copy;
  };

  Connector* const connector_;
  BlockPool* const pool_;
  Clock* const clock_;
  const std::function<void(bool kept)> on_block_;
  std::mutex mu_;
  std::map<std::string, std::shared_ptr<BlockCopyStream>> streams_;
  std::unordered_map<uint64_t, Entry> sequences_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_BLOCK_COPIER_H_
