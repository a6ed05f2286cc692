// A SwiGLU MLP: a dense layer's, the shared expert's or one routed expert's (model spec section 3.5).
#ifndef BALEEN_MODEL_WEIGHTS_MLP_WEIGHTS_H_
#define BALEEN_MODEL_WEIGHTS_MLP_WEIGHTS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "kernels/linear.h"
#include "kernels/panel_source.h"
#include "model/checkpoint/checkpoint.h"
#include "model/layers/numerics.h"

namespace baleen {

// Immutable once loaded.
struct MlpWeights {
  PackedLinear gate;  // hidden -> inner
  PackedLinear up;    // hidden -> inner
  PackedLinear down;  // inner -> hidden

  // `prefix` ends before "gate_proj.weight".
  static absl::StatusOr<MlpWeights> Load(Checkpoint& checkpoint, const std::string& prefix, int64_t hidden, int64_t inner,
                                         const Numerics& numerics, PanelSource* panels = nullptr);
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_MLP_WEIGHTS_H_
