#include "model/weights/mtp_weights.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {

absl::StatusOr<MtpWeights> MtpWeights::Load(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics,
                                            SharedWeights* shared, PartFinisher* finisher) {
  if (config.num_nextn_predict_layers == 0) {
    return absl::InvalidArgumentError("MTP is on, but the checkpoint has no next-token layer (num_nextn_predict_layers)");
  }
  const std::string prefix = absl::StrCat("model.layers.", config.num_hidden_layers, ".");
  const int64_t hidden = config.hidden_size;
  MtpWeights weights;
  ASSIGN_OR_RETURN(weights.embedding_norm, checkpoint.GetVector(prefix + "enorm.weight", hidden));
  ASSIGN_OR_RETURN(weights.hidden_norm, checkpoint.GetVector(prefix + "hnorm.weight", hidden));
  ASSIGN_OR_RETURN(weights.head_norm, checkpoint.GetVector(prefix + "shared_head.norm.weight", hidden));
  ASSIGN_OR_RETURN(const WeightView projection, checkpoint.GetWeight(prefix + "eh_proj.weight", hidden, 2 * hidden));
  std::unique_ptr<WeightUnit> unit = OpenUnit(shared, "mtp");
  weights.projection = PackedLinear::Pack(projection, numerics.head(), numerics.isa, unit.get());
  finisher->Finish(std::move(unit));
  return weights;
}

}  // namespace baleen
