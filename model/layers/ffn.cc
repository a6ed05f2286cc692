#include "model/layers/ffn.h"

#include "base/parallel_for.h"
#include "kernels/elementwise.h"

namespace baleen {
namespace {

constexpr int64_t kSwiGluGrain = 8;  // Rows.

}  // namespace

void ApplyMlp(const MlpWeights& weights, const float* x, int64_t rows, float* gate_scratch, float* up_scratch, float* y, ThreadPool* pool) {
  const int64_t hidden = weights.gate.inputs();
  const int64_t inner = weights.gate.outputs();
  weights.gate.Apply(x, rows, hidden, gate_scratch, inner, pool);
  weights.up.Apply(x, rows, hidden, up_scratch, inner, pool);
  ParallelFor(pool, rows, kSwiGluGrain,
              [&](int64_t begin, int64_t end) { SwiGlu(gate_scratch + begin * inner, up_scratch + begin * inner, (end - begin) * inner); });
  weights.down.Apply(gate_scratch, rows, inner, y, hidden, pool);
}

}  // namespace baleen
