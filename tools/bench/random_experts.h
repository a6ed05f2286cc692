// Experts of one layer with random weights on the device, of any size and without a checkpoint.
#ifndef BALEEN_TOOLS_BENCH_RANDOM_EXPERTS_H_
#define BALEEN_TOOLS_BENCH_RANDOM_EXPERTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "model/cuda/expert_lane.h"
#include "model/cuda/expert_slab.h"
#include "model/cuda/pinned_pool.h"
#include "services/expert/held_experts.h"

namespace baleen {

// Holds experts [0, count) of every layer, which are one layer's. One computation at a time.
class RandomExperts final : public HeldExperts {
 public:
  static absl::StatusOr<std::shared_ptr<RandomExperts>> Make(const ExpertFormat& format, int count, int64_t max_slots);

  size_t size() const override { return layer_.group_of_expert.size(); }
  bool Has(int, uint32_t expert) const override { return expert < size(); }
  absl::StatusOr<std::shared_ptr<std::byte[]>> ReplyMemory(size_t bytes) const override { return replies_.Take(bytes); }
  absl::Status Compute(int layer, absl::Span<const ExpertSlot> slots) const override;

 private:
  RandomExperts() = default;

  DeviceExpertLayer layer_;
  mutable PinnedPool replies_{size_t{512} << 20};
  mutable std::mutex mu_;
  std::unique_ptr<ExpertLane> lane_;
};

}  // namespace baleen

#endif  // BALEEN_TOOLS_BENCH_RANDOM_EXPERTS_H_
