#include "services/expert/device_expert_loader.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/status_macros.h"
#include "model/cuda/expert_lane.h"
#include "model/cuda/pinned_pool.h"

namespace baleen {
namespace {

constexpr size_t kIdleReplyBytes = size_t{512} << 20;

}  // namespace

struct DeviceExpertLoader::Workshop {
  std::unique_ptr<ExpertLane> TakeLane() {
    std::unique_lock lock(mu);
    returned.wait(lock, [this] { return !lanes.empty(); });
    std::unique_ptr<ExpertLane> lane = std::move(lanes.back());
    lanes.pop_back();
    return lane;
  }

  void GiveLane(std::unique_ptr<ExpertLane> lane) {
    {
      std::lock_guard lock(mu);
      lanes.push_back(std::move(lane));
    }
    returned.notify_one();
  }

  PinnedPool replies{kIdleReplyBytes};
  std::mutex mu;
  std::condition_variable returned;
  std::vector<std::unique_ptr<ExpertLane>> lanes;  // Idle ones.
};

class DeviceHeldExperts final : public HeldExperts {
 public:
  DeviceHeldExperts(std::shared_ptr<const DeviceExpertWeights> weights, std::shared_ptr<DeviceExpertLoader::Workshop> workshop)
      : weights_(std::move(weights)), workshop_(std::move(workshop)) {}

  size_t size() const override { return weights_->size(); }
  bool Has(int layer, uint32_t expert) const override { return weights_->Has({layer, static_cast<int>(expert)}); }
  absl::StatusOr<std::shared_ptr<std::byte[]>> ReplyMemory(size_t bytes) const override { return workshop_->replies.Take(bytes); }
  absl::Status Compute(int layer, absl::Span<const ExpertSlot> slots) const override {
    std::unique_ptr<ExpertLane> lane = workshop_->TakeLane();
    const absl::Status status = lane->Compute(*weights_->Layer(layer), slots);
    workshop_->GiveLane(std::move(lane));
    return status;
  }

 private:
  const std::shared_ptr<const DeviceExpertWeights> weights_;
  const std::shared_ptr<DeviceExpertLoader::Workshop> workshop_;
};

DeviceExpertLoader::DeviceExpertLoader(Checkpoint* checkpoint, const ModelConfig* config, const ExpertFormat& format, int64_t most_bytes,
                                       std::shared_ptr<Workshop> workshop)
    : checkpoint_(checkpoint), config_(config), format_(format), most_bytes_(most_bytes), workshop_(std::move(workshop)) {}

DeviceExpertLoader::~DeviceExpertLoader() = default;

absl::StatusOr<std::unique_ptr<DeviceExpertLoader>> DeviceExpertLoader::Create(Checkpoint* checkpoint, const ModelConfig* config,
                                                                               const Numerics& numerics,
                                                                               const DeviceExpertOptions& options) {
  ASSIGN_OR_RETURN(const ExpertFormat format, ExpertFormat::Of(*config, numerics.compute));
  auto workshop = std::make_shared<Workshop>();
  for (int i = 0; i < options.computations; ++i) {
    ASSIGN_OR_RETURN(std::unique_ptr<ExpertLane> lane, ExpertLane::Create(format, options.max_slots));
    workshop->lanes.push_back(std::move(lane));
  }
  return std::unique_ptr<DeviceExpertLoader>(new DeviceExpertLoader(checkpoint, config, format, options.most_bytes, std::move(workshop)));
}

absl::StatusOr<std::shared_ptr<const HeldExperts>> DeviceExpertLoader::Load(const std::vector<ExpertId>& experts) {
  ASSIGN_OR_RETURN(held_, DeviceExpertWeights::Load(*checkpoint_, *config_, experts, format_, held_.get(), most_bytes_));
  return std::make_shared<DeviceHeldExperts>(held_, workshop_);
}

}  // namespace baleen
