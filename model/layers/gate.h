// The top-k gate over a batch of rows (model spec sections 3.6 and 3.7).
#ifndef BALEEN_MODEL_LAYERS_GATE_H_
#define BALEEN_MODEL_LAYERS_GATE_H_

#include <cstdint>

#include "base/thread_pool.h"
#include "model/weights/gate_weights.h"

namespace baleen {

// x [rows, hidden] F32; logits_scratch [rows, experts]; ids [rows, top_k] ascending within a row; expert_weights [rows, top_k] in the same
// order. FP32 throughout; row-invariant.
void ApplyGate(const GateWeights& gate, const float* x, int64_t rows, float* logits_scratch, int32_t* ids, float* expert_weights,
               ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_GATE_H_
