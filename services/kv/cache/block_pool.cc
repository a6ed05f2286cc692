#include "services/kv/cache/block_pool.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/log.h"

namespace baleen {
namespace {

// A wrong block id is the caller's bug: going on would mix up sequences.
void CheckThat(bool condition, const char* message) {
  if (condition) return;
  Log(LogLevel::kError, "block_pool_misused", {{"check", message}});
  std::abort();
}

}  // namespace

struct BlockPool::Impl {
  KvShape shape;
  int64_t page_bytes = 0;
  int64_t block_bytes = 0;
  int64_t total = 0;
  std::unique_ptr<PageMemory> memory;  // [total, layers, 64, width]

  // Of one block, and where it waits while it is unreferenced but named.
  struct State {
    int32_t references = 0;
    bool dirty = false;  // Was handed out before.
    std::optional<BlockHash> hash;
    std::list<BlockId>::iterator idle;
  };

  mutable std::mutex mutex;
  std::vector<BlockId> free;          // The last one is taken first.
  std::vector<State> blocks;          // [total]
  int64_t touched = 0;                // Blocks that are dirty.
  std::list<BlockId> idle;            // Named without a reference, longest first.
  std::vector<std::byte*> uncleared;  // Blocks that were handed out with earlier content.
  std::unordered_map<BlockHash, BlockId, BlockHashHasher> cached;

  bool Valid(BlockId block) const { return block >= 0 && block < total; }
  bool Referenced(BlockId block) const { return Valid(block) && blocks[block].references > 0; }
  int64_t Unreferenced() const { return static_cast<int64_t>(free.size() + idle.size()); }
  std::byte* Begin(BlockId block) const { return memory->data() + block * block_bytes; }
  BlockId TakeUnreferenced();
  // Adds those with earlier content to `used_before`.
  absl::StatusOr<std::vector<BlockId>> Take(int64_t count, std::vector<std::byte*>* used_before);
  void Release(BlockId block);
};

BlockId BlockPool::Impl::TakeUnreferenced() {
  if (!free.empty()) {
    const BlockId block = free.back();
    free.pop_back();
    return block;
  }
  const BlockId block = idle.front();
  idle.pop_front();
  cached.erase(*blocks[block].hash);
  blocks[block].hash.reset();
  return block;
}

absl::StatusOr<std::vector<BlockId>> BlockPool::Impl::Take(int64_t count, std::vector<std::byte*>* used_before) {
  if (count < 0) return absl::InvalidArgumentError(absl::StrCat("cannot allocate ", count, " KV blocks"));
  if (count > Unreferenced()) {
    return absl::ResourceExhaustedError(absl::StrCat(count, " KV blocks wanted, ", Unreferenced(), " of ", total, " free"));
  }
  std::vector<BlockId> taken;
  for (int64_t i = 0; i < count; ++i) {
    const BlockId block = TakeUnreferenced();
    State& state = blocks[block];
    state.references = 1;
    if (std::exchange(state.dirty, true)) {
      used_before->push_back(Begin(block));
    } else {
      ++touched;
    }
    taken.push_back(block);
  }
  return taken;
}

void BlockPool::Impl::Release(BlockId block) {
  CheckThat(Referenced(block), "release of a block that is free");
  State& state = blocks[block];
  if (--state.references > 0) return;
  if (state.hash.has_value()) {
    state.idle = idle.insert(idle.end(), block);
  } else {
    free.push_back(block);
  }
}

BlockPool::BlockPool(const KvShape& shape, int64_t budget_bytes)
    : BlockPool(shape, NewHostPageMemory(std::max<int64_t>(budget_bytes, 0))) {}

BlockPool::BlockPool(const KvShape& shape, std::unique_ptr<PageMemory> memory) : impl_(std::make_unique<Impl>()) {
  impl_->shape = shape;
  impl_->page_bytes = kKvBlockTokens * shape.RowBytes();
  impl_->block_bytes = shape.BlockBytes();
  CheckThat(impl_->block_bytes > 0, "the KV shape is empty");
  impl_->memory = std::move(memory);
  const int64_t total = std::min<int64_t>(impl_->memory->bytes() / impl_->block_bytes, std::numeric_limits<BlockId>::max());
  impl_->total = total;
  impl_->blocks.resize(total);
  impl_->free.reserve(total);
  for (int64_t block = total - 1; block >= 0; --block) impl_->free.push_back(static_cast<BlockId>(block));
}

BlockPool::~BlockPool() = default;

const KvShape& BlockPool::shape() const { return impl_->shape; }

int64_t BlockPool::total_blocks() const { return impl_->total; }

int64_t BlockPool::free_blocks() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->Unreferenced();
}

int64_t BlockPool::touched_bytes() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->touched * impl_->block_bytes;
}

absl::StatusOr<std::vector<BlockId>> BlockPool::Allocate(int64_t count) {
  std::vector<std::byte*> used_before;
  absl::StatusOr<std::vector<BlockId>> blocks;
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    blocks = impl_->Take(count, &used_before);
  }
  if (!used_before.empty()) impl_->memory->Zero(used_before, static_cast<size_t>(impl_->block_bytes));
  return blocks;
}

absl::StatusOr<std::vector<BlockId>> BlockPool::AllocateUncleared(int64_t count) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->Take(count, &impl_->uncleared);
}

void BlockPool::ClearAllocated() {
  std::vector<std::byte*> uncleared;
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    uncleared.swap(impl_->uncleared);
  }
  if (!uncleared.empty()) impl_->memory->Zero(uncleared, static_cast<size_t>(impl_->block_bytes));
}

void BlockPool::AddReference(BlockId block) { AddReferences({&block, 1}); }

void BlockPool::AddReferences(absl::Span<const BlockId> blocks) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  for (const BlockId block : blocks) {
    CheckThat(impl_->Referenced(block), "reference to a block that is free");
    ++impl_->blocks[block].references;
  }
}

void BlockPool::Release(BlockId block) { ReleaseAll({&block, 1}); }

void BlockPool::ReleaseAll(absl::Span<const BlockId> blocks) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) impl_->Release(*block);
}

int64_t BlockPool::FreedBy(std::vector<BlockId> references) const {
  std::sort(references.begin(), references.end());
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  int64_t freed = 0;
  for (auto block = references.begin(); block != references.end();) {
    CheckThat(impl_->Referenced(*block), "a reference to a block that is free");
    const auto next = std::upper_bound(block, references.end(), *block);
    freed += next - block >= impl_->blocks[*block].references ? 1 : 0;
    block = next;
  }
  return freed;
}

std::vector<BlockId> BlockPool::AcquireCached(absl::Span<const BlockHash> prefix) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  std::vector<BlockId> blocks;
  for (const BlockHash& hash : prefix) {
    const auto it = impl_->cached.find(hash);
    if (it == impl_->cached.end()) break;
    Impl::State& state = impl_->blocks[it->second];
    if (state.references++ == 0) impl_->idle.erase(state.idle);
    blocks.push_back(it->second);
  }
  return blocks;
}

void BlockPool::Publish(BlockId block, const BlockHash& hash) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  CheckThat(impl_->Referenced(block), "publication of a block that is free");
  if (impl_->blocks[block].hash.has_value()) return;
  if (impl_->cached.emplace(hash, block).second) impl_->blocks[block].hash = hash;
}

int64_t BlockPool::cached_blocks() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return static_cast<int64_t>(impl_->cached.size());
}

std::byte* BlockPool::Page(BlockId block, int layer) {
  CheckThat(impl_->Valid(block) && layer >= 0 && layer < impl_->shape.layers, "no such page");
  return impl_->Begin(block) + layer * impl_->page_bytes;
}

PageMemory& BlockPool::memory() { return *impl_->memory; }

}  // namespace baleen
