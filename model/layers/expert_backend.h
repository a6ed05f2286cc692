// Where routed experts run: in this process or on shards. The network sees only this.
#ifndef BALEEN_MODEL_LAYERS_EXPERT_BACKEND_H_
#define BALEEN_MODEL_LAYERS_EXPERT_BACKEND_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace baleen {

// One MoE layer's routed work. All memory is the caller's and outlives the pending call.
struct ExpertBatch {
  int layer = 0;
  int64_t rows = 0;
  int64_t hidden = 0;
  int top_k = 0;
  // [rows, hidden], already rounded to the wire type (BF16, or F32 in F32 mode).
  const float* input = nullptr;
  // [rows, top_k], ascending within a row.
  const int32_t* expert_ids = nullptr;
  // [rows, top_k, hidden]: unweighted expert outputs, rounded to the wire type. Written before Wait returns OK.
  float* output = nullptr;
  absl::Time deadline = absl::InfiniteFuture();
};

// A dispatched batch. Wait is called once.
class PendingExperts {
 public:
  virtual ~PendingExperts() = default;
  // Blocks until every (row, expert) output is there or one cannot be had; never skips an expert.
  virtual absl::Status Wait() = 0;
};

// Thread-compatible: one caller at a time.
class ExpertBackend {
 public:
  virtual ~ExpertBackend() = default;
  // Starts the batch; the shared expert is computed while it is away.
  virtual std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) = 0;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_EXPERT_BACKEND_H_
