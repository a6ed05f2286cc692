// The routed experts of one process.
#ifndef BALEEN_MODEL_WEIGHTS_EXPERT_WEIGHTS_H_
#define BALEEN_MODEL_WEIGHTS_EXPERT_WEIGHTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "model/weights/shared_weights.h"

namespace baleen {

struct ExpertId {
  int layer = 0;
  int expert = 0;
  auto operator<=>(const ExpertId&) const = default;
};

// INVALID_ARGUMENT for an id that is no routed expert of the model.
absl::Status CheckRoutedExpert(const ModelConfig& config, ExpertId id);

// Those of layers [begin, end), in order.
std::vector<ExpertId> RoutedExperts(const ModelConfig& config, int64_t begin, int64_t end);

// Immutable once loaded; thread-safe (the pool is the caller's).
class ExpertWeights {
 public:
  // Reads only these experts' tensors, and shares what `held` (may be null; of the same checkpoint and numerics) has of them.
  // Packed weights come from `shared`, where it is not null, and go there. On all cores, or on one where `held` has experts that others
  // compute with meanwhile. INVALID_ARGUMENT for an id that is no routed expert of the
  // model.
  static absl::StatusOr<std::unique_ptr<ExpertWeights>> Load(Checkpoint& checkpoint, const ModelConfig& config,
                                                             const std::vector<ExpertId>& experts, const Numerics& numerics,
                                                             const ExpertWeights* held = nullptr, SharedWeights* shared = nullptr);
  ~ExpertWeights();

  bool Has(ExpertId id) const;
  std::vector<ExpertId> Ids() const;
  int64_t hidden() const;             // Width of a row.
  int64_t products_of_a_row() const;  // Multiplications an expert takes for one.

  // SwiGLU of one expert: x [rows, hidden] -> y [rows, hidden]. Row-invariant. `id` must be held. What becomes of y is to be rounded to the
  // wire type (numerics.activations()) on every backend: ComputeExperts does.
  void Apply(ExpertId id, const float* x, int64_t rows, float* y, ThreadPool* pool) const;

 private:
  struct Impl;
  explicit ExpertWeights(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_EXPERT_WEIGHTS_H_
