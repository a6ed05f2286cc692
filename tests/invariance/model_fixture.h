// A whole model in one process, with helpers that run sequences in different ways.
#ifndef BALEEN_TESTS_INVARIANCE_MODEL_FIXTURE_H_
#define BALEEN_TESTS_INVARIANCE_MODEL_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/whole_model.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// All that a sequence's run leaves behind; equality is bitwise.
struct SequenceResult {
  std::string logits;  // F32 [tokens, vocab] as bytes.
  std::string kv;      // [layers, tokens, width] as bytes.
  bool operator==(const SequenceResult&) const = default;
};

struct ModelOptions {
  std::string directory;
  Numerics numerics;
  int threads = 1;
  int64_t ping_pong_rows = 0;
  bool mtp = false;
  bool host_experts = false;  // On a GPU: the CPU computes the routed experts.
  int tensor_parallel = 1;
};

class ModelFixture {
 public:
  // Fails the test when the checkpoint cannot be loaded.
  explicit ModelFixture(const ModelOptions& options);

  const ModelConfig& config() const { return config_; }
  Engine& engine() { return model_.engine(); }
  ExpertBackend& experts() { return model_.experts(); }

  // `count` random tokens.
  std::vector<int32_t> Tokens(int64_t count, uint64_t seed) const;

  // Runs the sequences together: each step takes the next `chunk` tokens of every sequence that has some left.
  std::vector<SequenceResult> Run(const std::vector<std::vector<int32_t>>& sequences, int64_t chunk);

 private:
  std::string KvRows(BlockPool& kv, const std::vector<BlockId>& blocks, int64_t tokens) const;

  ThreadPool pool_;
  ModelConfig config_;
  std::unique_ptr<Checkpoint> checkpoint_;
  WholeModel model_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_INVARIANCE_MODEL_FIXTURE_H_
