// Logits of one sequence, at every position, in one process.
#ifndef BALEEN_TOOLS_LOGITS_LOGITS_RUN_H_
#define BALEEN_TOOLS_LOGITS_LOGITS_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "model/layers/numerics.h"

namespace baleen {

struct LogitsRun {
  std::string model;            // A Hugging Face directory.
  std::vector<int32_t> tokens;  // The sequence; logits at position t follow token t.
  Device device = Device::kCpu;
  std::string dtype = "f32";  // As --dtype (ChooseNumerics).
  std::string out;            // A safetensors file: tensor "logits", F32 [tokens, vocab_size].
  int threads = 1;
  int64_t chunk = 256;  // Tokens of one step; changes no bit.
};

absl::Status RunLogits(const LogitsRun& run);

}  // namespace baleen

#endif  // BALEEN_TOOLS_LOGITS_LOGITS_RUN_H_
