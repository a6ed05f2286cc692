// The activations of one batch, allocated once.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_BATCH_SCRATCH_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_BATCH_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/dtype.h"
#include "kernels/mla_attention.h"
#include "model/config/model_config.h"

namespace baleen {

// Row r of a batch is row r of every buffer. Uninitialised; memory is taken as rows are first used.
struct BatchScratch {
  // `wire_type` is what experts take and give.
  BatchScratch(const ModelConfig& config, int64_t max_rows, DType wire_type, bool mtp);

  using Floats = std::unique_ptr<float[]>;
  using Bytes = std::unique_ptr<std::byte[]>;
  int64_t mlp_inner = 0;  // Widest of the dense and the shared MLP.

  Floats residual;                                     // [rows, hidden]
  Floats normed;                                       // [rows, hidden]
  Floats delta;                                        // [rows, hidden] attention's, the dense MLP's or the shared expert's output
  Bytes wire;                                          // [rows, hidden] normed, in the experts' wire type
  Floats q_latent;                                     // [rows, q_lora]
  Floats q;                                            // [rows, heads, nope + rope]
  Floats kv;                                           // [rows, kv_lora + rope]
  Floats query;                                        // [rows, heads, kv_lora + rope]
  Floats context;                                      // [rows, heads, kv_lora]
  Floats heads_out;                                    // [rows, heads, v]
  Floats mlp_gate;                                     // [rows, mlp_inner]
  Floats mlp_up;                                       // [rows, mlp_inner]
  Floats gate_logits;                                  // [rows, experts]
  std::unique_ptr<int32_t[]> expert_ids;               // [rows, top_k]
  Floats expert_weights;                               // [rows, top_k]
  Bytes expert_room;                                   // [rows, top_k, hidden] in the wire type; unused where experts are elsewhere
  std::unique_ptr<const std::byte*[]> expert_outputs;  // [rows, top_k]
  Floats mtp_input;                                    // [rows, 2, hidden] next token's embedding, hidden state; empty without MTP

  // Of the layer at hand; sized by the step.
  std::vector<const void*> pages;       // As StepPlan::blocks.
  std::vector<MlaQueryRow> query_rows;  // [rows]
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_BATCH_SCRATCH_H_
