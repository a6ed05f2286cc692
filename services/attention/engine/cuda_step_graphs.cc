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
  if (part == graphs_.size()) {
    RETURN_IF_ERROR(enqueue());
    graphs_.emplace_back();
    return absl::OkStatus();
  }
  std::optional<cuda::DeviceGraph>& graph = graphs_[part];
  if (!graph.has_value()) {
    ASSIGN_OR_RETURN(graph, Record(stream, enqueue));
  }
  return graph->empty() ? enqueue() : FromDevice(graph->Launch(stream));
}

absl::StatusOr<cuda::DeviceGraph> StepParts::Record(cuda::Stream stream, const std::function<absl::Status()>& enqueue) {
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
  return captured.ok() ? std::move(graph) : cuda::DeviceGraph();
}

StepParts& CudaStepGraphs::Begin(const StepShape& shape) {
  const auto known = parts_.find(shape);
  if (known != parts_.end()) {
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
