#include "services/attention/engine/local_experts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/layers/expert_compute.h"

namespace baleen {
namespace {

class Done final : public PendingExperts {
 public:
  explicit Done(absl::Status status) : status_(std::move(status)) {}
  absl::Status Wait() override { return std::move(status_); }

 private:
  absl::Status status_;
};

}  // namespace

LocalExperts::LocalExperts(const ExpertWeights* weights, ThreadPool* pool) : weights_(weights), pool_(pool) {}

std::unique_ptr<PendingExperts> LocalExperts::Dispatch(const ExpertBatch& batch) { return std::make_unique<Done>(Compute(batch)); }

absl::Status LocalExperts::Compute(const ExpertBatch& batch) {
  if (batch.hidden != weights_->hidden()) {
    return absl::InvalidArgumentError(absl::StrCat("rows of ", batch.hidden, " values, experts take ", weights_->hidden()));
  }
  experts_per_row_.assign(batch.rows, static_cast<uint32_t>(batch.top_k));
  expert_ids_.assign(batch.expert_ids, batch.expert_ids + batch.rows * batch.top_k);
  for (const uint32_t expert : expert_ids_) {
    if (!weights_->Has({batch.layer, static_cast<int>(expert)})) {
      return absl::NotFoundError(absl::StrCat("layer ", batch.layer, " expert ", expert, " is not held in this process"));
    }
  }
  ComputeExperts(*weights_, batch.layer, batch.input, batch.rows, experts_per_row_, expert_ids_, batch.output, pool_);
  return absl::OkStatus();
}

}  // namespace baleen
