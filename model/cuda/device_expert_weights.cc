#include "model/cuda/device_expert_weights.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/cuda/base/row_groups.h"
#include "model/cuda/upload_matrix.h"
#include "model/weights/part_finisher.h"

namespace baleen {
namespace {

absl::Status LoadExpert(Checkpoint& checkpoint, const ModelConfig& config, ExpertId id, const PlacedExpert& to) {
  const std::string prefix = absl::StrCat("model.layers.", id.layer, ".mlp.experts.", id.expert, ".");
  const int64_t inner = config.moe_intermediate_size;
  ASSIGN_OR_RETURN(const WeightView gate, checkpoint.GetWeight(prefix + "gate_proj.weight", inner, config.hidden_size));
  ASSIGN_OR_RETURN(const WeightView up, checkpoint.GetWeight(prefix + "up_proj.weight", inner, config.hidden_size));
  ASSIGN_OR_RETURN(const WeightView down, checkpoint.GetWeight(prefix + "down_proj.weight", config.hidden_size, inner));
  RETURN_IF_ERROR(UploadMatrix(gate, to.slab()->GatePlace(to.place())));
  RETURN_IF_ERROR(UploadMatrix(up, to.slab()->UpPlace(to.place())));
  return UploadMatrix(down, to.slab()->DownPlace(to.place()));
}

// Slabs of one layer's experts, without repetition.
std::vector<std::shared_ptr<ExpertSlab>> SlabsOf(const std::map<ExpertId, std::shared_ptr<const PlacedExpert>>& experts, int layer) {
  std::vector<std::shared_ptr<ExpertSlab>> slabs;
  for (auto it = experts.lower_bound({layer, 0}); it != experts.end() && it->first.layer == layer; ++it) {
    const std::shared_ptr<ExpertSlab>& slab = it->second->slab();
    if (std::find(slabs.begin(), slabs.end(), slab) == slabs.end()) slabs.push_back(slab);
  }
  return slabs;
}

std::shared_ptr<const PlacedExpert> TakeFrom(const std::vector<std::shared_ptr<ExpertSlab>>& slabs) {
  for (const std::shared_ptr<ExpertSlab>& slab : slabs) {
    if (const int place = slab->Take(); place >= 0) return std::make_shared<PlacedExpert>(slab, place);
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const DeviceExpertWeights>> DeviceExpertWeights::Load(Checkpoint& checkpoint, const ModelConfig& config,
                                                                                     const std::vector<ExpertId>& experts,
                                                                                     const ExpertFormat& format,
                                                                                     const DeviceExpertWeights* held, int64_t most_bytes) {
  std::shared_ptr<DeviceExpertWeights> weights(new DeviceExpertWeights(format));
  std::map<int, std::set<ExpertId>> missing;
  for (const ExpertId id : experts) {
    RETURN_IF_ERROR(CheckRoutedExpert(config, id));
    if (held != nullptr && held->Has(id)) {
      weights->experts_.emplace(id, held->experts_.at(id));
    } else {
      missing[id.layer].insert(id);
    }
  }
  PartFinisher finisher(&checkpoint);
  int64_t bytes = held == nullptr ? 0 : held->bytes();
  for (const auto& [layer, ids] : missing) {
    std::vector<std::shared_ptr<ExpertSlab>> slabs;
    if (held != nullptr) slabs = SlabsOf(held->experts_, layer);
    size_t left = ids.size();
    for (const ExpertId id : ids) {
      std::shared_ptr<const PlacedExpert> place = TakeFrom(slabs);
      if (place == nullptr) {
        bytes += static_cast<int64_t>(left) * format.bytes();
        if (most_bytes > 0 && bytes > most_bytes) {
          return absl::ResourceExhaustedError(absl::StrCat("experts of ", bytes, " bytes, but --device_memory_mib allows ", most_bytes));
        }
        ASSIGN_OR_RETURN(std::shared_ptr<ExpertSlab> slab, ExpertSlab::Allocate(format, static_cast<int>(left)));
        slabs.push_back(std::move(slab));
        place = TakeFrom(slabs);
      }
      RETURN_IF_ERROR(LoadExpert(checkpoint, config, id, *place));
      finisher.Finish(OpenUnit(nullptr, ""));
      weights->experts_.emplace(id, std::move(place));
      --left;
    }
  }
  RETURN_IF_ERROR(weights->Index(config.n_routed_experts));
  return weights;
}

absl::Status DeviceExpertWeights::Index(int64_t routed_experts) {
  for (const auto& [id, placed] : experts_) {
    held_.Add(id.layer, id.expert);
    DeviceExpertLayer& layer = layers_[id.layer];
    if (layer.group_of_expert.empty()) {
      layer.group_of_expert.assign(static_cast<size_t>(routed_experts), -1);
      for (std::shared_ptr<const ExpertSlab> slab : SlabsOf(experts_, id.layer)) {
        const int groups = slab->capacity();
        layer.stacks.push_back({std::move(slab), layer.groups});
        layer.groups += groups;
      }
      if (layer.groups > cuda::kMaxRowGroups) {
        return absl::ResourceExhaustedError(absl::StrCat("layer ", id.layer, " has places for ", layer.groups, " experts on the device; ",
                                                         cuda::kMaxRowGroups, " are possible"));
      }
    }
    const auto stack = std::find_if(layer.stacks.begin(), layer.stacks.end(),
                                    [&slab = placed->slab()](const DeviceExpertLayer::Stack& one) { return one.slab == slab; });
    layer.group_of_expert[static_cast<size_t>(id.expert)] = stack->first_group + placed->place();
  }
  return absl::OkStatus();
}

const DeviceExpertLayer* DeviceExpertWeights::Layer(int layer) const {
  const auto found = layers_.find(layer);
  return found == layers_.end() ? nullptr : &found->second;
}

int64_t DeviceExpertWeights::bytes() const {
  int64_t experts = 0;
  for (const auto& [number, layer] : layers_) experts += layer.groups;
  return experts * format_.bytes();
}

}  // namespace baleen
