#include "model/weights/expert_weights.h"

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/layers/ffn.h"
#include "model/weights/expert_set.h"
#include "model/weights/load_parts.h"
#include "model/weights/mlp_weights.h"

namespace baleen {

namespace {

using ExpertMap = std::map<ExpertId, std::shared_ptr<const MlpWeights>>;

absl::StatusOr<ExpertMap> LoadExperts(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics, SharedWeights* shared,
                                      const std::vector<ExpertId>& ids, int threads) {
  std::mutex mu;
  ExpertMap loaded;  // Guarded by mu.
  const auto load = [&](size_t part, PartFinisher* finisher) -> absl::Status {
    const ExpertId id = ids[part];
    const std::string prefix = absl::StrCat("model.layers.", id.layer, ".mlp.experts.", id.expert, ".");
    std::unique_ptr<WeightUnit> unit = OpenUnit(shared, absl::StrCat("expert-", id.layer, "-", id.expert));
    ASSIGN_OR_RETURN(MlpWeights weights,
                     MlpWeights::Load(checkpoint, prefix, config.hidden_size, config.moe_intermediate_size, numerics, unit.get()));
    finisher->Finish(std::move(unit));
    const std::lock_guard lock(mu);
    loaded.emplace(id, std::make_shared<const MlpWeights>(std::move(weights)));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(LoadParts(&checkpoint, ids.size(), threads, load));
  return loaded;
}

}  // namespace

struct ExpertWeights::Impl {
  int64_t hidden = 0;
  int64_t inner = 0;
  ExpertMap experts;
  ExpertSet held;  // The same.
};

absl::Status CheckRoutedExpert(const ModelConfig& config, ExpertId id) {
  const bool layer_ok = id.layer >= 0 && id.layer < config.num_hidden_layers + config.num_nextn_predict_layers && config.IsMoe(id.layer);
  if (layer_ok && id.expert >= 0 && id.expert < config.n_routed_experts) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("layer ", id.layer, " has no routed expert ", id.expert));
}

std::vector<ExpertId> RoutedExperts(const ModelConfig& config, int64_t begin, int64_t end) {
  std::vector<ExpertId> ids;
  for (int64_t layer = begin; layer < end; ++layer) {
    for (int expert = 0; config.IsMoe(layer) && expert < config.n_routed_experts; ++expert)
      ids.push_back({static_cast<int>(layer), expert});
  }
  return ids;
}

ExpertWeights::ExpertWeights(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExpertWeights::~ExpertWeights() = default;

absl::StatusOr<std::unique_ptr<ExpertWeights>> ExpertWeights::Load(Checkpoint& checkpoint, const ModelConfig& config,
                                                                   const std::vector<ExpertId>& experts, const Numerics& numerics,
                                                                   const ExpertWeights* held, SharedWeights* shared) {
  auto impl = std::make_unique<Impl>();
  impl->hidden = config.hidden_size;
  impl->inner = config.moe_intermediate_size;
  std::vector<ExpertId> missing;
  std::set<ExpertId> seen;
  const size_t start = shared == nullptr ? 0 : shared->Start(experts.size());
  for (size_t i = 0; i < experts.size(); ++i) {
    const ExpertId id = experts[(start + i) % experts.size()];
    RETURN_IF_ERROR(CheckRoutedExpert(config, id));
    if (!seen.insert(id).second) continue;
    if (held != nullptr && held->Has(id)) {
      impl->experts.emplace(id, held->impl_->experts.at(id));
    } else {
      missing.push_back(id);
    }
  }
  // Where there are experts already, others compute with them.
  const bool serves = held != nullptr && !held->impl_->experts.empty();
  const int threads = serves ? 1 : LoadThreads(missing.size());
  ASSIGN_OR_RETURN(ExpertMap loaded, LoadExperts(checkpoint, config, numerics, shared, missing, threads));
  impl->experts.merge(loaded);
  for (const auto& [id, weights] : impl->experts) impl->held.Add(id.layer, id.expert);
  return std::unique_ptr<ExpertWeights>(new ExpertWeights(std::move(impl)));
}

bool ExpertWeights::Has(ExpertId id) const { return impl_->held.Has(id.layer, id.expert); }

std::vector<ExpertId> ExpertWeights::Ids() const {
  std::vector<ExpertId> ids;
  for (const auto& [id, weights] : impl_->experts) ids.push_back(id);
  return ids;
}

int64_t ExpertWeights::hidden() const { return impl_->hidden; }
int64_t ExpertWeights::products_of_a_row() const { return 3 * impl_->hidden * impl_->inner; }

void ExpertWeights::Apply(ExpertId id, const float* x, int64_t rows, float* y, ThreadPool* pool) const {
  const auto scratch = std::make_unique_for_overwrite<float[]>(2 * rows * impl_->inner);
  ApplyMlp(*impl_->experts.at(id), x, rows, scratch.get(), scratch.get() + rows * impl_->inner, y, pool);
}

}  // namespace baleen
