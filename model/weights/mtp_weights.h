// What the next-token (MTP) layer has besides an ordinary layer's tensors (model spec section 6).
#ifndef BALEEN_MODEL_WEIGHTS_MTP_WEIGHTS_H_
#define BALEEN_MODEL_WEIGHTS_MTP_WEIGHTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "kernels/linear.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "model/weights/part_finisher.h"
#include "model/weights/shared_weights.h"

namespace baleen {

// Immutable once loaded. Embedding and output head are the main model's; the checkpoint's copies are not read.
struct MtpWeights {
  std::vector<float> embedding_norm;  // [hidden] enorm
  std::vector<float> hidden_norm;     // [hidden] hnorm
  PackedLinear projection;            // 2 * hidden -> hidden; the embedding's half comes first.
  std::vector<float> head_norm;       // [hidden] shared_head.norm

  // Of layer num_hidden_layers; ends with a part of its own. INVALID_ARGUMENT when the checkpoint has none.
  static absl::StatusOr<MtpWeights> Load(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics, SharedWeights* shared,
                                         PartFinisher* finisher);
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_MTP_WEIGHTS_H_
