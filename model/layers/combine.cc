#include "model/layers/combine.h"

#include "model/layers/row_ops.h"

namespace baleen {
namespace {

constexpr int64_t kCombineGrain = 8;   // Rows.
constexpr int64_t kCombineLanes = 64;  // Channels summed at a time: the accumulators stay in L1 and in registers.

void CombineRow(const float* outputs, const float* expert_weights, const float* shared, int64_t top_k, int64_t hidden, float* residual) {
  float sum[kCombineLanes];
  for (int64_t first = 0; first < hidden; first += kCombineLanes) {
    const int64_t lanes = hidden - first < kCombineLanes ? hidden - first : kCombineLanes;
    for (int64_t i = 0; i < lanes; ++i) sum[i] = 0.0f;
    for (int64_t k = 0; k < top_k; ++k) {
      const float weight = expert_weights[k];
      const float* output = outputs + k * hidden + first;
      for (int64_t i = 0; i < lanes; ++i) sum[i] += weight * output[i];
    }
    if (shared != nullptr) {
      for (int64_t i = 0; i < lanes; ++i) sum[i] += shared[first + i];
    }
    for (int64_t i = 0; i < lanes; ++i) residual[first + i] += sum[i];
  }
}

}  // namespace

void CombineExperts(const float* outputs, const float* expert_weights, const float* shared, int64_t rows, int64_t top_k, int64_t hidden,
                    float* residual, ThreadPool* pool) {
  ForRows(rows, kCombineGrain, pool, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* shared_row = shared == nullptr ? nullptr : shared + row * hidden;
      CombineRow(outputs + row * top_k * hidden, expert_weights + row * top_k, shared_row, top_k, hidden, residual + row * hidden);
    }
  });
}

}  // namespace baleen
