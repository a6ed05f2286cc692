#include "model/layers/gate.h"

#include "base/parallel_for.h"
#include "kernels/gate.h"

namespace baleen {
namespace {

constexpr int64_t kGateGrain = 16;  // Rows.

}  // namespace

void ApplyGate(const GateWeights& gate, const float* x, int64_t rows, float* logits_scratch, int32_t* ids, float* expert_weights,
               ThreadPool* pool) {
  const int64_t experts = gate.params.experts;
  const int64_t top_k = gate.params.top_k;
  gate.linear.Apply(x, rows, gate.linear.inputs(), logits_scratch, experts, pool);
  const float* bias = gate.bias.empty() ? nullptr : gate.bias.data();
  ParallelFor(pool, rows, kGateGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      SelectExperts(gate.params, logits_scratch + row * experts, bias, ids + row * top_k, expert_weights + row * top_k);
    }
  });
}

}  // namespace baleen
