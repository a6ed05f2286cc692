// Token embeddings, read from the mapped checkpoint row by row.
#ifndef BALEEN_MODEL_WEIGHTS_EMBEDDING_H_
#define BALEEN_MODEL_WEIGHTS_EMBEDDING_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "kernels/linear.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"

namespace baleen {

// Immutable, thread-safe; the checkpoint must outlive it.
class Embedding {
 public:
  // Reads model.embed_tokens.weight.
  static absl::StatusOr<Embedding> Load(Checkpoint& checkpoint, const ModelConfig& config);

  // out [hidden] = the token's row as F32. `token` is in [0, vocab_size).
  void Lookup(int32_t token, float* out) const;

  // The whole table [vocab_size, hidden], for tied output weights.
  const WeightView& view() const { return view_; }

 private:
  WeightView view_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_EMBEDDING_H_
