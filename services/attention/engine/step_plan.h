// One Step's rows, laid out flat: which token, position and pages each row has.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_STEP_PLAN_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_STEP_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "kernels/mla_attention.h"
#include "model/config/model_config.h"
#include "services/attention/engine/sequence_step.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// Reused from step to step, so that nothing is allocated once the largest batch has been seen.
class StepPlan {
 public:
  // Checks the step against the model and the pool, then lays it out. INVALID_ARGUMENT names the sequence and what is wrong with it.
  absl::Status Build(absl::Span<const SequenceStep> sequences, const ModelConfig& config, const KvShape& kv_shape, int64_t max_rows,
                     const BlockPool& kv);

  int64_t rows() const { return static_cast<int64_t>(tokens_.size()); }
  const std::vector<int32_t>& tokens() const { return tokens_; }            // [rows]
  const std::vector<int64_t>& positions() const { return positions_; }      // [rows]
  const std::vector<int64_t>& logits_rows() const { return logits_rows_; }  // Rows that want logits, in step order.

  // All sequences' blocks up to their last position, one sequence after the other, and where a row's sequence begins there.
  const std::vector<BlockId>& blocks() const { return blocks_; }
  const std::vector<int64_t>& first_block() const { return first_block_; }  // [rows]

  // The block that holds a row's own position.
  BlockId BlockOf(int64_t row) const { return blocks_[first_block_[row] + positions_[row] / kKvBlockTokens]; }
  int64_t SlotOf(int64_t row) const { return positions_[row] % kKvBlockTokens; }

 private:
  void Clear();
  void Append(const SequenceStep& sequence);

  std::vector<int32_t> tokens_;
  std::vector<int64_t> positions_;
  std::vector<int64_t> logits_rows_;
  std::vector<BlockId> blocks_;
  std::vector<int64_t> first_block_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_STEP_PLAN_H_
