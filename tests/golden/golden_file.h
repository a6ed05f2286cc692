// What make_goldens.py wrote for one checkpoint.
#ifndef BALEEN_TESTS_GOLDEN_GOLDEN_FILE_H_
#define BALEEN_TESTS_GOLDEN_GOLDEN_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

// How far logits are from transformers' F32 logits, over all positions.
struct LogitsDistance {
  double top1_disagreement = 0;  // Fraction of positions.
  double mean_kl = 0;            // Of KL(transformers F32 || other), in nats.
};

struct GoldenSequence {
  std::vector<int32_t> tokens;
  std::vector<float> logits;    // [tokens, vocab_size], by transformers in F32.
  std::vector<float> gate_gap;  // [tokens]: least margin of any gate decision at this position or an earlier one.
};

struct Golden {
  std::vector<GoldenSequence> sequences;
  LogitsDistance transformers_bf16;
};

// INVALID_ARGUMENT names file and tensor when one is missing or its size does not fit its sequence.
absl::StatusOr<Golden> LoadGolden(const std::string& path, int64_t vocab_size);

}  // namespace baleen

#endif  // BALEEN_TESTS_GOLDEN_GOLDEN_FILE_H_
