#include "services/attention/engine/cuda_step_graphs.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "model/cuda/device_status.h"

namespace baleen {

absl::Status StepParts::Run(cuda::Stream stream, const std::function<absl::Status()>& enqueue) {
  const size_t part = next_++;
  if (!record_) return enqueue();
  if (part >= graphs_.size()) {
    absl::Status enqueued;
    cuda::DeviceGraph graph;
    const cuda::Status captured = cuda::DeviceGraph::Capture(
        stream,
        [&] {
          enqueued = enqueue();
          return cuda::Status(std::string(enqueued.message()));
        },
        &graph);
    RETURN_IF_ERROR(enqueued);
    RETURN_IF_ERROR(FromDevice(captured));
    graphs_.push_back(std::move(graph));
  }
  return FromDevice(graphs_[part].Launch(stream));
}

StepParts& CudaStepGraphs::Begin(const StepShape& shape) {
  const auto known = parts_.find(shape);
  if (known != parts_.end()) {
    known->second.record_ = true;
    known->second.next_ = 0;
    return known->second;
  }
  if (parts_.size() == kMostShapes) parts_.clear();
  return parts_[shape];
}

int64_t CudaStepGraphs::PaddedRows(int64_t rows, int64_t max_rows) {
  return std::min(static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows))), max_rows);
}

}  // namespace baleen
