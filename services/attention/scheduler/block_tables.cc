#include "services/attention/scheduler/block_tables.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/mla_attention.h"

namespace baleen {

int64_t BlocksFor(int64_t positions) { return (positions + kKvBlockTokens - 1) / kKvBlockTokens; }

int64_t MissingBlocks(const Sequence& sequence) { return BlocksFor(sequence.known()) - static_cast<int64_t>(sequence.blocks.size()); }

BlockTables::BlockTables(BlockPool* pool, bool prefix_cache, std::string numerics_id)
    : pool_(pool), prefix_cache_(prefix_cache), numerics_id_(std::move(numerics_id)) {}

void BlockTables::Share(Sequence* sequence) {
  if (!prefix_cache_) return;
  const int64_t shareable = (sequence->known() - 1) / kKvBlockTokens;
  NameBlocks(sequence, shareable);
  sequence->blocks = pool_->AcquireCached(absl::MakeConstSpan(sequence->hashes).subspan(0, static_cast<size_t>(shareable)));
  sequence->published = static_cast<int64_t>(sequence->blocks.size());
  sequence->computed = sequence->published * kKvBlockTokens;
}

bool BlockTables::Grow(Sequence* sequence, int64_t positions) {
  const int64_t missing = BlocksFor(positions) - static_cast<int64_t>(sequence->blocks.size());
  if (missing <= 0) return true;
  const absl::StatusOr<std::vector<BlockId>> blocks = pool_->AllocateUncleared(missing);
  if (!blocks.ok()) return false;
  sequence->blocks.insert(sequence->blocks.end(), blocks->begin(), blocks->end());
  return true;
}

void BlockTables::Publish(Sequence* sequence) {
  if (!prefix_cache_) return;
  const int64_t full = sequence->computed / kKvBlockTokens;
  if (full <= sequence->published) return;
  NameBlocks(sequence, full);
  for (int64_t& block = sequence->published; block < full; ++block) {
    pool_->Publish(sequence->blocks[static_cast<size_t>(block)], sequence->hashes[static_cast<size_t>(block)]);
  }
}

void BlockTables::Release(Sequence* sequence) {
  pool_->ReleaseAll(sequence->blocks);
  sequence->blocks.clear();
  sequence->published = 0;
  sequence->computed = 0;
}

void BlockTables::NameBlocks(Sequence* sequence, int64_t blocks) const {
  std::vector<BlockHash>& hashes = sequence->hashes;
  const absl::Span<const int32_t> tokens = sequence->request.tokens;
  while (static_cast<int64_t>(hashes.size()) < blocks) {
    const BlockHash parent = hashes.empty() ? RootBlockHash(numerics_id_, sequence->request.cache_salt) : hashes.back();
    hashes.push_back(ChildBlockHash(parent, tokens.subspan(hashes.size() * kKvBlockTokens, kKvBlockTokens)));
  }
}

}  // namespace baleen
