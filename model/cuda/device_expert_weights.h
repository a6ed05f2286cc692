// The routed experts of one process, in device memory.
#ifndef BALEEN_MODEL_CUDA_DEVICE_EXPERT_WEIGHTS_H_
#define BALEEN_MODEL_CUDA_DEVICE_EXPERT_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/expert_slab.h"
#include "model/weights/expert_set.h"
#include "model/weights/expert_weights.h"

namespace baleen {

// A place of a slab with its expert; the place is free again when this goes.
class PlacedExpert {
 public:
  PlacedExpert(std::shared_ptr<ExpertSlab> slab, int place) : slab_(std::move(slab)), place_(place) {}
  ~PlacedExpert() { slab_->Give(place_); }
  PlacedExpert(const PlacedExpert&) = delete;
  PlacedExpert& operator=(const PlacedExpert&) = delete;

  const std::shared_ptr<ExpertSlab>& slab() const { return slab_; }
  int place() const { return place_; }

 private:
  const std::shared_ptr<ExpertSlab> slab_;
  const int place_;
};

// One layer's experts as groups of grouped products: a stack is one slab, its groups begin at first_group. Most layers have one stack;
// experts that come while others run may make another, so that nothing is moved.
struct DeviceExpertLayer {
  struct Stack {
    std::shared_ptr<const ExpertSlab> slab;
    int first_group = 0;
  };
  std::vector<Stack> stacks;
  int groups = 0;                        // At most kMaxRowGroups.
  std::vector<int32_t> group_of_expert;  // [routed experts]; -1 = not held.
};

// Immutable once loaded; thread-safe. Who computes with a layer holds this until the device is done.
class DeviceExpertWeights {
 public:
  // Reads only these experts' tensors, and shares what `held` (may be null; of the same checkpoint and format) has of them. New experts go
  // into places that `held` has free, the rest into memory of their own; no running computation is waited for. `most_bytes`: of device
  // memory for experts, of both together; 0 = no bound. INVALID_ARGUMENT for an id that is no routed expert of the model,
  // RESOURCE_EXHAUSTED when there is no room.
  static absl::StatusOr<std::shared_ptr<const DeviceExpertWeights>> Load(Checkpoint& checkpoint, const ModelConfig& config,
                                                                         const std::vector<ExpertId>& experts, const ExpertFormat& format,
                                                                         const DeviceExpertWeights* held = nullptr, int64_t most_bytes = 0);

  const ExpertFormat& format() const { return format_; }
  bool Has(ExpertId id) const { return held_.Has(id.layer, id.expert); }
  size_t size() const { return experts_.size(); }
  // Null when none of its experts is held.
  const DeviceExpertLayer* Layer(int layer) const;
  int64_t bytes() const;  // Of all its slabs.

 private:
  explicit DeviceExpertWeights(const ExpertFormat& format) : format_(format) {}
  absl::Status Index(int64_t routed_experts);

  const ExpertFormat format_;
  std::map<ExpertId, std::shared_ptr<const PlacedExpert>> experts_;
  ExpertSet held_;  // The same.
  std::map<int, DeviceExpertLayer> layers_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_EXPERT_WEIGHTS_H_
