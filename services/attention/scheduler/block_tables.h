// Which KV blocks a sequence has: a cached prefix shared, the rest its own, taken as its tokens need them.
#ifndef BALEEN_SERVICES_ATTENTION_SCHEDULER_BLOCK_TABLES_H_
#define BALEEN_SERVICES_ATTENTION_SCHEDULER_BLOCK_TABLES_H_

#include <cstdint>
#include <string>

#include "services/attention/scheduler/sequence.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// Changes `blocks`, `hashes`, `published` and `computed` of sequences. Thread-compatible.
class BlockTables {
 public:
  // `pool` outlives this. `numerics_id` goes into the blocks' names; without `prefix_cache` no block is shared.
  BlockTables(BlockPool* pool, bool prefix_cache, std::string numerics_id);

  // Gives a sequence without blocks those that are cached of its tokens, but never the last token's: its logits are wanted. `computed`
  // becomes what they hold.
  void Share(Sequence* sequence);
  // Makes the blocks cover `positions`; false, and nothing changes, when the pool has too few.
  bool Grow(Sequence* sequence, int64_t positions);
  // Names the full blocks below `computed`, so that others may share them.
  void Publish(Sequence* sequence);
  // Gives all blocks back; named ones stay cached for as long as there is room.
  void Release(Sequence* sequence);

 private:
  void NameBlocks(Sequence* sequence, int64_t blocks) const;

  BlockPool* const pool_;
  const bool prefix_cache_;
  const std::string numerics_id_;
};

// Blocks that hold `positions` tokens.
int64_t BlocksFor(int64_t positions);
// What a sequence's tokens need beyond the blocks that it has.
int64_t MissingBlocks(const Sequence& sequence);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_SCHEDULER_BLOCK_TABLES_H_
