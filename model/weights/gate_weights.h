// One MoE layer's top-k gate (model spec sections 3.6 and 3.7).
#ifndef BALEEN_MODEL_WEIGHTS_GATE_WEIGHTS_H_
#define BALEEN_MODEL_WEIGHTS_GATE_WEIGHTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/gate.h"
#include "kernels/linear.h"
#include "kernels/panel_source.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"

namespace baleen {

// Immutable once loaded.
struct GateWeights {
  GateParams params;
  PackedLinear linear;      // hidden -> experts, F32 in every mode: near-ties flip experts.
  std::vector<float> bias;  // [experts], selection only; empty unless noaux_tc.

  // `prefix` is "model.layers.N.mlp.gate.".
  static absl::StatusOr<GateWeights> Load(Checkpoint& checkpoint, const ModelConfig& config, const std::string& prefix,
                                          const Numerics& numerics, PanelSource* panels = nullptr);
};

GateParams GateParamsOf(const ModelConfig& config);

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_GATE_WEIGHTS_H_
