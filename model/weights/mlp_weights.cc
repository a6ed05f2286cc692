#include "model/weights/mlp_weights.h"

#include "base/status_macros.h"

namespace baleen {

absl::StatusOr<MlpWeights> MlpWeights::Load(Checkpoint& checkpoint, const std::string& prefix, int64_t hidden, int64_t inner,
                                            const Numerics& numerics, PanelSource* panels) {
  ASSIGN_OR_RETURN(const WeightView gate, checkpoint.GetWeight(prefix + "gate_proj.weight", inner, hidden));
  ASSIGN_OR_RETURN(const WeightView up, checkpoint.GetWeight(prefix + "up_proj.weight", inner, hidden));
  ASSIGN_OR_RETURN(const WeightView down, checkpoint.GetWeight(prefix + "down_proj.weight", hidden, inner));
  MlpWeights weights;
  weights.gate = PackedLinear::Pack(gate, numerics.compute, numerics.isa, panels);
  weights.up = PackedLinear::Pack(up, numerics.compute, numerics.isa, panels);
  weights.down = PackedLinear::Pack(down, numerics.compute, numerics.isa, panels);
  return weights;
}

}  // namespace baleen
