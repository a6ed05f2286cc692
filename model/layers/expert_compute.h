// Routed experts over a batch of rows: what a shard and the in-process backend both run.
#ifndef BALEEN_MODEL_LAYERS_EXPERT_COMPUTE_H_
#define BALEEN_MODEL_LAYERS_EXPERT_COMPUTE_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "base/dtype.h"
#include "base/thread_pool.h"
#include "model/weights/expert_weights.h"

namespace baleen {

// One row for one expert: its input and its unweighted output, [hidden] each in the wire type, maybe unaligned.
struct ExpertSlot {
  uint32_t expert = 0;
  const std::byte* input = nullptr;
  std::byte* output = nullptr;
};

// Writes the outputs of one layer's slots, which stand in any order and may share inputs; `wire` is the weights' type of activations.
// Rows of one expert run as one grouped product; every output depends on its own row alone, to the bit. All experts must be
// held. `pool` may be null (one thread).
void ComputeExperts(const ExpertWeights& weights, int layer, absl::Span<const ExpertSlot> slots, DType wire, ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_EXPERT_COMPUTE_H_
