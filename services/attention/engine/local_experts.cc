#include "services/attention/engine/local_experts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

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
  const int64_t row_bytes = batch.hidden * static_cast<int64_t>(SizeOf(batch.wire));
  slots_.clear();
  for (int64_t slot = 0; slot < batch.rows * batch.top_k; ++slot) {
    const int32_t expert = batch.expert_ids[slot];
    if (!weights_->Has({batch.layer, expert})) {
      return absl::NotFoundError(absl::StrCat("layer ", batch.layer, " expert ", expert, " is not held in this process"));
    }
    std::byte* const output = batch.room + slot * row_bytes;
    batch.outputs[slot] = output;
    slots_.push_back({static_cast<uint32_t>(expert), batch.input + slot / batch.top_k * row_bytes, output});
  }
  ComputeExperts(*weights_, batch.layer, slots_, batch.wire, pool_);
  return absl::OkStatus();
}

}  // namespace baleen
