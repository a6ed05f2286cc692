#include "model/layers/combine.h"

#include <algorithm>

#include "base/parallel_for.h"
#include "base/values.h"

namespace baleen {
namespace {

constexpr int64_t kCombineGrain = 8;    // Rows.
constexpr int64_t kCombineLanes = 256;  // Channels summed at a time: the accumulators stay in L1.

void CombineRow(const std::byte* const* outputs, DType wire, const float* expert_weights, const float* shared, int64_t top_k,
                int64_t hidden, float* residual) {
  float sum[kCombineLanes];
  float output[kCombineLanes];
  for (int64_t first = 0; first < hidden; first += kCombineLanes) {
    const int64_t lanes = std::min(kCombineLanes, hidden - first);
    std::fill_n(sum, lanes, 0.0f);
    for (int64_t k = 0; k < top_k; ++k) {
      ValuesFromWire(outputs[k] + first * static_cast<int64_t>(SizeOf(wire)), lanes, wire, output);
      for (int64_t i = 0; i < lanes; ++i) sum[i] += expert_weights[k] * output[i];
    }
    if (shared != nullptr) {
      for (int64_t i = 0; i < lanes; ++i) sum[i] += shared[first + i];
    }
    for (int64_t i = 0; i < lanes; ++i) residual[first + i] += sum[i];
  }
}

}  // namespace

void CombineExperts(const std::byte* const* outputs, DType wire, const float* expert_weights, const float* shared, int64_t rows,
                    int64_t top_k, int64_t hidden, float* residual, ThreadPool* pool) {
  ParallelFor(pool, rows, kCombineGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* shared_row = shared == nullptr ? nullptr : shared + row * hidden;
      CombineRow(outputs + row * top_k, wire, expert_weights + row * top_k, shared_row, top_k, hidden, residual + row * hidden);
    }
  });
}

}  // namespace baleen
