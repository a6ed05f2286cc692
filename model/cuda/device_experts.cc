#include "model/cuda/device_experts.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/cuda/base/row_groups.h"
#include "kernels/cuda/permute/permute.h"
#include "model/cuda/device_status.h"

namespace baleen {

DeviceExperts::DeviceExperts(std::shared_ptr<const DeviceExpertWeights> weights, ExpertProducts products, const ModelConfig& config,
                             int64_t max_rows)
    : weights_(std::move(weights)),
      products_(std::move(products)),
      max_rows_(max_rows),
      top_k_(static_cast<int>(config.num_experts_per_tok)),
      routed_experts_(static_cast<int>(config.n_routed_experts)) {}

absl::StatusOr<std::unique_ptr<DeviceExperts>> DeviceExperts::Load(Checkpoint& checkpoint, const ModelConfig& config,
                                                                   const std::vector<ExpertId>& experts, const Numerics& numerics,
                                                                   int64_t max_rows, int64_t most_bytes) {
  ASSIGN_OR_RETURN(const ExpertFormat format, ExpertFormat::Of(config, numerics.compute));
  ASSIGN_OR_RETURN(auto weights, DeviceExpertWeights::Load(checkpoint, config, experts, format, nullptr, most_bytes));
  ASSIGN_OR_RETURN(ExpertProducts products, ExpertProducts::Create(format, max_rows, max_rows * config.num_experts_per_tok));
  std::unique_ptr<DeviceExperts> made(new DeviceExperts(std::move(weights), std::move(products), config, max_rows));
  RETURN_IF_ERROR(made->Prepare(experts));
  return made;
}

absl::Status DeviceExperts::Prepare(const std::vector<ExpertId>& experts) {
  constexpr size_t kInt = sizeof(int32_t);
  for (const ExpertId id : experts) {
    cuda::DeviceMemory& memory = group_of_expert_[id.layer];
    if (memory.data() != nullptr) continue;
    const std::vector<int32_t>& groups = weights_->Layer(id.layer)->group_of_expert;
    RETURN_IF_ERROR(FromDevice(cuda::DeviceMemory::Allocate(groups.size() * kInt, &memory)));
    RETURN_IF_ERROR(FromDevice(cuda::CopyNow(memory.data(), groups.data(), groups.size() * kInt)));
  }
  RETURN_IF_ERROR(FromDevice(cuda::DeviceMemory::Allocate((cuda::kMaxRowGroups + 1) * kInt, &group_rows_)));
  return FromDevice(cuda::DeviceMemory::Allocate(static_cast<size_t>(max_rows_ * top_k_) * kInt, &slots_));
}

cuda::Status DeviceExperts::Enqueue(const Batch& batch, cuda::Stream stream, Outputs* outputs) {
  const DeviceExpertLayer* const layer = weights_->Layer(batch.layer);
  if (layer == nullptr) return cuda::Status(absl::StrCat("DeviceExperts: no expert of layer ", batch.layer, " is held"));
  if (batch.rows > max_rows_) return cuda::Status(absl::StrCat("DeviceExperts: ", batch.rows, " rows of ", max_rows_));
  cuda::PlanPermuteArgs plan;
  plan.rows = batch.rows;
  plan.top_k = top_k_;
  plan.experts = routed_experts_;
  plan.groups = layer->groups;
  plan.ids = batch.ids;
  plan.group_of_expert = group_of_expert_.at(batch.layer).As<int32_t>();
  plan.group_rows = group_rows_.As<int32_t>();
  plan.slots = slots_.As<int32_t>();
  if (cuda::Status status = PlanPermute(plan, stream); !status.ok()) return status;
  ExpertProducts::Batch products;
  products.layer = layer;
  products.rows = batch.rows;
  products.top_k = top_k_;
  products.x = batch.input;
  products.slots = plan.slots;
  products.group_rows = plan.group_rows;
  products.slot_count = batch.rows * top_k_;
  *outputs = {products_.y(), plan.slots};
  return products_.Enqueue(products, stream);
}

}  // namespace baleen
