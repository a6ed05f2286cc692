// Where routed experts run: in this process or on shards. The network sees only this.
#ifndef BALEEN_MODEL_LAYERS_EXPERT_BACKEND_H_
#define BALEEN_MODEL_LAYERS_EXPERT_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/dtype.h"

namespace baleen {

// One MoE layer's routed work. All memory is the caller's and outlives the pending call.
struct ExpertBatch {
  int layer = 0;
  int64_t rows = 0;
  int64_t hidden = 0;
  int top_k = 0;
  // Of inputs and outputs, on every backend: kBf16, or kF32 in F32 mode (Numerics::activations).
  DType wire = DType::kBf16;
  // [rows, hidden] in `wire`.
  const std::byte* input = nullptr;
  // [rows, top_k], ascending within a row.
  const int32_t* expert_ids = nullptr;
  // [rows, top_k]: where each unweighted output of [hidden] in `wire` is, maybe unaligned. Set before Wait returns OK, valid while the
  // pending call lives.
  const std::byte** outputs = nullptr;
  // [rows, top_k, hidden] in `wire`: room for outputs, for a backend that computes them here.
  std::byte* room = nullptr;
  absl::Time deadline = absl::InfiniteFuture();
  // Opaque: whoever computes gets it. Empty = not traced.
  absl::string_view traceparent = {};
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
