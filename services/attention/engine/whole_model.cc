#include "services/attention/engine/whole_model.h"

#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "services/attention/engine/load_engine.h"

namespace baleen {
namespace {

// Where nobody should ask.
class NoExperts final : public ExpertBackend {
 public:
  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override { return std::make_unique<Refusal>(); }

 private:
  class Refusal final : public PendingExperts {
   public:
    absl::Status Wait() override { return absl::InternalError("routed experts were asked for outside the device that holds them"); }
  };
};

}  // namespace

absl::StatusOr<WholeModel> WholeModel::Load(Checkpoint& checkpoint, const ModelConfig& config, EngineOptions options, ThreadPool* pool,
                                            bool host_experts) {
  const std::vector<ExpertId> ids = RoutedExperts(config, 0, config.num_hidden_layers + (options.mtp ? 1 : 0));
  Numerics numerics = options.numerics;
  if (numerics.on_gpu() && host_experts) numerics = {.compute = DType::kBf16, .isa = numerics.isa};
  WholeModel model;
  if (numerics.on_gpu()) {
    ASSIGN_OR_RETURN(model.device_experts_, DeviceExperts::Load(checkpoint, config, ids, numerics, options.max_batch_tokens));
    options.device_experts = options.mtp_device_experts = model.device_experts_.get();
    model.backend_ = std::make_unique<NoExperts>();
  } else {
    ASSIGN_OR_RETURN(model.weights_, ExpertWeights::Load(checkpoint, config, ids, numerics));
    model.backend_ = std::make_unique<LocalExperts>(model.weights_.get(), pool);
  }
  ASSIGN_OR_RETURN(model.engine_, LoadEngine(checkpoint, config, options, pool));
  return model;
}

}  // namespace baleen
