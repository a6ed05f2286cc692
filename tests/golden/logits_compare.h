// Compares logits with golden ones.
#ifndef BALEEN_TESTS_GOLDEN_LOGITS_COMPARE_H_
#define BALEEN_TESTS_GOLDEN_LOGITS_COMPARE_H_

#include <cstdint>
#include <vector>

#include "tests/golden/golden_file.h"

namespace baleen {

// A position's greatest |logit - golden| over its greatest |golden|.
struct PositionError {
  double relative_error = 0;
  float gate_gap = 0;
};

// `logits` has the layout of sequence.logits.
std::vector<PositionError> PositionErrors(const GoldenSequence& sequence, const std::vector<float>& logits);

// Over the positions of all sequences; logits[i] belongs to golden.sequences[i].
LogitsDistance Distance(const Golden& golden, const std::vector<std::vector<float>>& logits);
// Over the positions from each sequence's last `marker` on: of a chat, those whose next token is of the answer.
LogitsDistance DistanceAfter(int32_t marker, const Golden& golden, const std::vector<std::vector<float>>& logits);

}  // namespace baleen

#endif  // BALEEN_TESTS_GOLDEN_LOGITS_COMPARE_H_
