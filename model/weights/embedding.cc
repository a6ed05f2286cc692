#include "model/weights/embedding.h"

#include "base/status_macros.h"
#include "model/weights/weight_views.h"

namespace baleen {

absl::StatusOr<Embedding> Embedding::Load(Checkpoint& checkpoint, const ModelConfig& config) {
  Embedding embedding;
  ASSIGN_OR_RETURN(embedding.view_, checkpoint.GetWeight("model.embed_tokens.weight", config.vocab_size, config.hidden_size));
  return embedding;
}

void Embedding::Lookup(int32_t token, float* out) const { Dequantize(SliceRows(view_, token, 1), out); }

}  // namespace baleen
