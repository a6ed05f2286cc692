// Routed experts of rows that are in host memory: there and back over one stream.
#ifndef BALEEN_MODEL_CUDA_EXPERT_LANE_H_
#define BALEEN_MODEL_CUDA_EXPERT_LANE_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/device_expert_weights.h"
#include "model/cuda/expert_products.h"
#include "model/cuda/slot_plan.h"
#include "model/layers/expert_compute.h"

namespace baleen {

// A stream with its staging and scratch, for one computation at a time; with two lanes the copies of one computation run beside the
// products of the other. Thread-compatible.
class ExpertLane {
 public:
  // `max_slots` are computed at a time; more go in pieces, which changes no bit. RESOURCE_EXHAUSTED when host or device has no room.
  static absl::StatusOr<std::unique_ptr<ExpertLane>> Create(const ExpertFormat& format, int64_t max_slots);

  // As ComputeExperts, in BF16, on the device; every expert has a group in `layer`. Outputs lie in pinned memory (PinnedPool). Returns when
  // they are written. INTERNAL: the device failed.
  absl::Status Compute(const DeviceExpertLayer& layer, absl::Span<const ExpertSlot> slots);

 private:
  // Where each array begins in staging, in bytes, on both sides.
  struct Staged {
    int64_t slots = 0;
    int64_t group_rows = 0;
    int64_t order = 0;
    int64_t rows = 0;
    int64_t end = 0;
  };

  ExpertLane(const ExpertFormat& format, int64_t max_slots, ExpertProducts products)
      : format_(format), max_slots_(max_slots), products_(std::move(products)) {}
  absl::Status ComputePiece(const DeviceExpertLayer& layer, absl::Span<const ExpertSlot> slots);
  Staged Stage(const SlotPlan& plan) const;
  cuda::Status Enqueue(const DeviceExpertLayer& layer, const SlotPlan& plan, const Staged& at, absl::Span<const ExpertSlot> slots);
  int64_t row_bytes() const { return format_.hidden * static_cast<int64_t>(sizeof(Bf16)); }

  const ExpertFormat format_;
  const int64_t max_slots_;
  ExpertProducts products_;
  cuda::PinnedMemory staging_;
  cuda::DeviceMemory staged_;
  cuda::DeviceMemory outputs_;  // [slots, hidden] in the callers' order.
  cuda::DeviceStream stream_;   // Last: it ends before what its work uses.
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_EXPERT_LANE_H_
