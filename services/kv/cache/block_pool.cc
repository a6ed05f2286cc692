#include "services/kv/cache/block_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "kernels/mla_attention.h"
#include "services/common/log.h"

namespace baleen {
namespace {

// A wrong block id is the caller's bug: going on would mix up sequences.
void CheckThat(bool condition, const char* message) {
  if (condition) return;
  Log(LogLevel::kError, "block pool misused", {{"check", message}});
  std::abort();
}

}  // namespace

struct BlockPool::Impl {
  KvShape shape;
  int64_t page_bytes = 0;
  int64_t block_bytes = 0;
  int64_t total = 0;
  std::byte* memory = nullptr;  // [total, layers, 64, width]; pages of the machine are taken as they are first written.

  mutable std::mutex mutex;
  std::vector<BlockId> free;         // The last one is taken first.
  std::vector<int32_t> references;   // [total]
  std::vector<unsigned char> dirty;  // [total] was handed out before

  bool Valid(BlockId block) const { return block >= 0 && block < total; }
};

BlockPool::BlockPool(const KvShape& shape, int64_t budget_bytes) : impl_(std::make_unique<Impl>()) {
  impl_->shape = shape;
  impl_->page_bytes = kKvBlockTokens * shape.RowBytes();
  impl_->block_bytes = impl_->page_bytes * shape.layers;
  CheckThat(impl_->block_bytes > 0, "the KV shape is empty");
  int64_t total = std::min<int64_t>(std::max<int64_t>(budget_bytes, 0) / impl_->block_bytes, std::numeric_limits<BlockId>::max());
  if (total > 0) {
    void* memory = mmap(nullptr, total * impl_->block_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      total = 0;
    } else {
      // Latent KV is derived from users' text: it stays out of core dumps.
      madvise(memory, total * impl_->block_bytes, MADV_DONTDUMP);
      impl_->memory = static_cast<std::byte*>(memory);
    }
  }
  impl_->total = total;
  impl_->references.assign(total, 0);
  impl_->dirty.assign(total, 0);
  impl_->free.reserve(total);
  for (int64_t block = total - 1; block >= 0; --block) impl_->free.push_back(static_cast<BlockId>(block));
}

BlockPool::~BlockPool() {
  if (impl_->memory != nullptr) munmap(impl_->memory, impl_->total * impl_->block_bytes);
}

const KvShape& BlockPool::shape() const { return impl_->shape; }

int64_t BlockPool::total_blocks() const { return impl_->total; }

int64_t BlockPool::free_blocks() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return static_cast<int64_t>(impl_->free.size());
}

absl::StatusOr<std::vector<BlockId>> BlockPool::Allocate(int64_t count) {
  if (count < 0) return absl::InvalidArgumentError(absl::StrCat("cannot allocate ", count, " KV blocks"));
  std::vector<BlockId> blocks;
  std::vector<BlockId> used_before;
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    const int64_t free = static_cast<int64_t>(impl_->free.size());
    if (count > free) {
      return absl::ResourceExhaustedError(absl::StrCat(count, " KV blocks wanted, ", free, " of ", impl_->total, " free"));
    }
    blocks.assign(impl_->free.rbegin(), impl_->free.rbegin() + count);
    impl_->free.resize(free - count);
    for (const BlockId block : blocks) {
      impl_->references[block] = 1;
      if (impl_->dirty[block] != 0) used_before.push_back(block);
      impl_->dirty[block] = 1;
    }
  }
  for (const BlockId block : used_before) std::memset(Page(block, 0), 0, impl_->block_bytes);
  return blocks;
}

void BlockPool::AddReference(BlockId block) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  CheckThat(impl_->Valid(block) && impl_->references[block] > 0, "reference to a block that is free");
  ++impl_->references[block];
}

void BlockPool::Release(BlockId block) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  CheckThat(impl_->Valid(block) && impl_->references[block] > 0, "release of a block that is free");
  if (--impl_->references[block] == 0) impl_->free.push_back(block);
}

std::byte* BlockPool::Page(BlockId block, int layer) {
  CheckThat(impl_->Valid(block) && layer >= 0 && layer < impl_->shape.layers, "no such page");
  return impl_->memory + block * impl_->block_bytes + layer * impl_->page_bytes;
}

}  // namespace baleen
