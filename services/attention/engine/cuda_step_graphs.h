// Decode steps of a GPU as recorded graphs: a launch for many kernels.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_STEP_GRAPHS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_STEP_GRAPHS_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"

namespace baleen {

// All that is fixed in a recording besides the engine's own memory.
struct StepShape {
  int64_t rows = 0;
  int splits = 0;               // Of the longest row's keys (kernels/cuda/mla/splits.h).
  const void* pages = nullptr;  // The pool's,
  int64_t blocks = 0;           // and how many it has.
  int64_t generation = 0;       // Of memory that grows.
  auto operator<=>(const StepShape&) const = default;
};

// The parts of a step between which the host has something to do, always the same ones for a shape.
class StepParts {
 public:
  // Runs what `enqueue` gives to the stream: as it is at first, which loads its kernels; recorded the second time; replayed from then on,
  // when `enqueue` is not called. What cannot be recorded, for want of memory say, runs as it is for good.
  absl::Status Run(cuda::Stream stream, const std::function<absl::Status()>& enqueue);

 private:
  friend class CudaStepGraphs;

  // Empty where CUDA could not.
  static absl::StatusOr<cuda::DeviceGraph> Record(cuda::Stream stream, const std::function<absl::Status()>& enqueue);

  size_t next_ = 0;
  std::vector<std::optional<cuda::DeviceGraph>> graphs_;  // Of the parts that ran once; none where it is not recorded yet.
};

// Bounded: beyond so many shapes all are recorded anew.
class CudaStepGraphs {
 public:
  // The parts of a step of this shape, from the first one on. Valid until the next call.
  StepParts& Begin(const StepShape& shape);

  // Rows of a step of `rows` when it is filled up to one of few sizes, at most `max_rows`.
  static int64_t PaddedRows(int64_t rows, int64_t max_rows);

 private:
  static constexpr size_t kMostShapes = 64;

  std::map<StepShape, StepParts> parts_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_STEP_GRAPHS_H_
