// What one Step of the engine is asked for, a sequence.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_SEQUENCE_STEP_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_SEQUENCE_STEP_H_

#include <cstdint>

#include "absl/types/span.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// Some next positions of one sequence. Blocks must cover first_position + tokens.size().
struct SequenceStep {
  absl::Span<const BlockId> blocks;
  int64_t first_position = 0;
  absl::Span<const int32_t> tokens;
  // How many of the last tokens want logits: 0 .. tokens.size().
  int64_t logits_count = 0;
};

// Some positions of one sequence in the last Step, for the MTP layer: the token after each of them is known by now.
struct DraftStep {
  absl::Span<const BlockId> blocks;
  int64_t first_row = 0;  // Among the last Step's rows.
  int64_t first_position = 0;
  absl::Span<const int32_t> next_tokens;  // next_tokens[i] is at position first_position + i + 1.
  bool logits = false;                    // Of the token after the last of them.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_SEQUENCE_STEP_H_
