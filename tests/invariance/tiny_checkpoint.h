// Random checkpoints small enough to write in a test, with every layout the loader knows.
#ifndef BALEEN_TESTS_INVARIANCE_TINY_CHECKPOINT_H_
#define BALEEN_TESTS_INVARIANCE_TINY_CHECKPOINT_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"

namespace baleen {

constexpr int32_t kTinyVocab = 130;

struct TinyOptions {
  bool v2 = false;              // DeepseekV2ForCausalLM: softmax, group_limited_greedy.
  bool q_lora = true;           // Off: a single q_proj.
  DType dtype = DType::kBf16;   // Of the projections; kF8E4m3 comes with block scales, and hidden_size is no multiple of 128.
  bool rope_interleave = true;  // Off: the rope channels of the same network are stored half-split.
  bool tie_word_embeddings = false;
  uint64_t seed = 1;
  int64_t kv_lora = 40;
  int64_t nope = 16;
  int64_t rope = 8;
  int64_t v_head = 12;
  int64_t hidden = 160;
  int64_t vocab = kTinyVocab;

  // Sizes that a GPU's kernels take.
  static TinyOptions ForGpu() {
    TinyOptions options;
    options.kv_lora = 64;
    options.v_head = 16;
    return options;
  }
  // V3's heads, four of them: what the tensor cores' attention takes.
  static TinyOptions WithHeadsOfV3() {
    TinyOptions options;
    options.kv_lora = 512;
    options.nope = 128;
    options.rope = 64;
    options.v_head = 128;
    return options;
  }
  // In FP8: what one, two and four GPUs share out in whole blocks of 128 x 128.
  static TinyOptions ForFourGpus() {
    TinyOptions options = ForGpu();
    options.dtype = DType::kF8E4m3;
    options.nope = 96;
    options.rope = 32;
    options.hidden = 512;
    return options;
  }
};

// Makes testing::TempDir()/name empty and returns its path.
std::string FreshDirectory(const std::string& name);

// Writes config.json and model.safetensors to FreshDirectory(name) and returns it: 3 layers (the first dense), 8 experts in 4 groups,
// top-3, and one stray tensor of an MTP layer. Equal options give equal bytes.
std::string WriteTinyCheckpoint(const std::string& name, const TinyOptions& options);

}  // namespace baleen

#endif  // BALEEN_TESTS_INVARIANCE_TINY_CHECKPOINT_H_
