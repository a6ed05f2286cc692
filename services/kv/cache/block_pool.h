// Latent KV memory in blocks of 64 tokens, all layers of a block together.
#ifndef BALEEN_SERVICES_KV_CACHE_BLOCK_POOL_H_
#define BALEEN_SERVICES_KV_CACHE_BLOCK_POOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/dtype.h"
#include "base/kv_block.h"
#include "services/kv/cache/block_hash.h"
#include "services/kv/cache/page_memory.h"

namespace baleen {

using BlockId = int32_t;

struct KvShape {
  int layers = 0;
  int width = 0;  // kv_lora_rank + qk_rope_head_dim
  DType dtype = DType::kBf16;

  int64_t RowBytes() const { return static_cast<int64_t>(width) * static_cast<int64_t>(SizeOf(dtype)); }
  int64_t BytesPerToken() const { return layers * RowBytes(); }
  int64_t BlockBytes() const { return kKvBlockTokens * BytesPerToken(); }
};

// Thread-safe. Blocks are reference-counted, so that a prefix may be shared without a copy. A block whose content has a name stays when its
// last reference goes, until its memory is wanted: the one released longest ago goes first. A block id that is free or foreign is the
// caller's bug and aborts: going on would mix up sequences.
class BlockPool {
 public:
  // As many whole blocks of this host's memory as fit the budget; none when the address space cannot be had, which total_blocks shows.
  // Memory is taken as blocks are first written.
  BlockPool(const KvShape& shape, int64_t budget_bytes);
  // As many whole blocks as fit `memory`.
  BlockPool(const KvShape& shape, std::unique_ptr<PageMemory> memory);
  ~BlockPool();

  const KvShape& shape() const;
  int64_t total_blocks() const;
  // Without a reference: what Allocate can give.
  int64_t free_blocks() const;
  // Memory of the blocks that were handed out at least once: it grows up to the budget, and is never given back.
  int64_t touched_bytes() const;

  // `count` blocks with one reference each, zeroed of earlier content; RESOURCE_EXHAUSTED when fewer are free, and then none is taken.
  absl::StatusOr<std::vector<BlockId>> Allocate(int64_t count);
  // The same for a caller that holds a lock, for which clearing takes too long: earlier content stays until ClearAllocated, which the same
  // thread calls before anybody reads or writes the blocks.
  absl::StatusOr<std::vector<BlockId>> AllocateUncleared(int64_t count);
  void ClearAllocated();
  void AddReference(BlockId block);
  // Drops one reference; the last one frees the block, which may stay cached. Release a sequence's blocks last to first: a block is of use
  // only with all before it.
  void Release(BlockId block);
  // The same for several at once; ReleaseAll goes from last to first.
  void AddReferences(absl::Span<const BlockId> blocks);
  void ReleaseAll(absl::Span<const BlockId> blocks);

  // How many blocks would be free once these references were dropped; a block that comes twice loses two.
  int64_t FreedBy(std::vector<BlockId> references) const;

  // The longest run of `prefix` that is cached, with one more reference on each block.
  std::vector<BlockId> AcquireCached(absl::Span<const BlockHash> prefix);
  // The content of a referenced block is final and may be shared under this name. Another block of that name stays the one that is found.
  void Publish(BlockId block, const BlockHash& hash);
  // Blocks that have a name, referenced or not.
  int64_t cached_blocks() const;

  // The page of one layer in a block: row-major [64, width]. The host reads and writes those of a GPU through memory().
  std::byte* Page(BlockId block, int layer);
  PageMemory& memory();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_CACHE_BLOCK_POOL_H_
