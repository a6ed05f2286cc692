// Writes a Hugging Face directory of random weights.
#ifndef BALEEN_TOOLS_MAKE_CHECKPOINT_WRITE_CHECKPOINT_H_
#define BALEEN_TOOLS_MAKE_CHECKPOINT_WRITE_CHECKPOINT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "model/config/model_config.h"

namespace baleen {

// Writes config.json, tokenizer files and model.safetensors into `directory`, which is made and must not hold a checkpoint yet. Weights
// stream to disk; memory stays at a few MiB. `progress`, when given, is called now and then with bytes written and bytes in all. Errors
// name the file.
absl::Status WriteCheckpoint(const ModelConfig& config, uint64_t seed, const std::string& directory,
                             const std::function<void(int64_t written, int64_t total)>& progress);

}  // namespace baleen

#endif  // BALEEN_TOOLS_MAKE_CHECKPOINT_WRITE_CHECKPOINT_H_
