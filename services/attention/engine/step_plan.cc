#include "services/attention/engine/step_plan.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

absl::Status Wrong(size_t index, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("sequence ", index, " of the step: ", what));
}

// Never names a token: token ids are user text.
absl::Status CheckSequence(size_t index, const SequenceStep& step, const ModelConfig& config, const BlockPool& kv) {
  const int64_t count = static_cast<int64_t>(step.tokens.size());
  if (step.first_position < 0 || step.first_position > config.max_position_embeddings - count) {
    return Wrong(index, absl::StrCat("positions ", step.first_position, " .. +", count, " are outside 0 .. ",
                                     config.max_position_embeddings - 1, " (max_position_embeddings)"));
  }
  if (step.logits_count < 0 || step.logits_count > count) {
    return Wrong(index, absl::StrCat("logits of ", step.logits_count, " tokens wanted, it has ", count));
  }
  const int64_t covered = static_cast<int64_t>(step.blocks.size()) * kKvBlockTokens;
  if (covered < step.first_position + count) {
    return Wrong(index, absl::StrCat("its blocks cover ", covered, " positions of ", step.first_position + count));
  }
  for (const BlockId block : step.blocks) {
    if (block < 0 || block >= kv.total_blocks()) return Wrong(index, absl::StrCat("block ", block, " is not in the pool"));
  }
  for (const int32_t token : step.tokens) {
    if (token < 0 || token >= config.vocab_size) {
      return Wrong(index, absl::StrCat("a token id is outside 0 .. ", config.vocab_size - 1));
    }
  }
  return absl::OkStatus();
}

bool SameShape(const KvShape& a, const KvShape& b) { return a.layers == b.layers && a.width == b.width && a.dtype == b.dtype; }

}  // namespace

absl::Status StepPlan::Build(absl::Span<const SequenceStep> sequences, const ModelConfig& config, const KvShape& kv_shape, int64_t max_rows,
                             const BlockPool& kv) {
  Clear();
  if (!SameShape(kv.shape(), kv_shape)) return absl::InvalidArgumentError("the KV pool was made for another model or number format");
  int64_t rows = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    RETURN_IF_ERROR(CheckSequence(i, sequences[i], config, kv));
    rows += static_cast<int64_t>(sequences[i].tokens.size());
  }
  if (rows > max_rows) return absl::InvalidArgumentError(absl::StrCat("a step of ", rows, " tokens; the limit is ", max_rows));
  for (const SequenceStep& sequence : sequences) Append(sequence);
  return absl::OkStatus();
}

void StepPlan::Clear() {
  tokens_.clear();
  positions_.clear();
  logits_rows_.clear();
  blocks_.clear();
  first_block_.clear();
}

void StepPlan::Append(const SequenceStep& sequence) {
  const int64_t count = static_cast<int64_t>(sequence.tokens.size());
  if (count == 0) return;
  const int64_t first_block = static_cast<int64_t>(blocks_.size());
  const int64_t used_blocks = (sequence.first_position + count + kKvBlockTokens - 1) / kKvBlockTokens;
  blocks_.insert(blocks_.end(), sequence.blocks.begin(), sequence.blocks.begin() + used_blocks);
  for (int64_t i = 0; i < count; ++i) {
    if (i >= count - sequence.logits_count) logits_rows_.push_back(rows());
    tokens_.push_back(sequence.tokens[i]);
    positions_.push_back(sequence.first_position + i);
    first_block_.push_back(first_block);
  }
}

}  // namespace baleen
