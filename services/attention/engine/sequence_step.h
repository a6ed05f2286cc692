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

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_SEQUENCE_STEP_H_
