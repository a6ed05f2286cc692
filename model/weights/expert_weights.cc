#include "model/weights/expert_weights.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/cores.h"
#include "base/status_macros.h"
#include "model/layers/ffn.h"
#include "model/weights/mlp_weights.h"
#include "model/weights/part_finisher.h"

namespace baleen {

namespace {

// Packing is bound by memory beyond a few threads.
constexpr int kMaxThreads = 16;

using ExpertMap = std::map<ExpertId, std::shared_ptr<const MlpWeights>>;

// Loads experts, each by the thread that comes to it first.
class ExpertLoads {
 public:
  ExpertLoads(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics, SharedWeights* shared, std::vector<ExpertId> ids)
      : checkpoint_(checkpoint), config_(config), numerics_(numerics), shared_(shared), ids_(std::move(ids)) {}

  // On so many threads, this one among them.
  absl::StatusOr<ExpertMap> Run(int threads) {
    std::vector<std::future<absl::Status>> others;
    for (int i = 1; i < threads; ++i) others.push_back(std::async(std::launch::async, [this] { return Work(); }));
    absl::Status status = Work();
    for (std::future<absl::Status>& other : others) status.Update(other.get());
    RETURN_IF_ERROR(status);
    return std::move(loaded_);
  }

 private:
  absl::Status Work() {
    PartFinisher finisher(&checkpoint_);
    for (size_t i = next_++; i < ids_.size() && !failed_; i = next_++) {
      const absl::Status status = LoadOne(ids_[i], &finisher);
      if (status.ok()) continue;
      failed_ = true;
      return status;
    }
    return absl::OkStatus();
  }

  absl::Status LoadOne(ExpertId id, PartFinisher* finisher) {
    const std::string prefix = absl::StrCat("model.layers.", id.layer, ".mlp.experts.", id.expert, ".");
    std::unique_ptr<WeightUnit> unit = OpenUnit(shared_, absl::StrCat("expert-", id.layer, "-", id.expert));
    ASSIGN_OR_RETURN(MlpWeights weights,
                     MlpWeights::Load(checkpoint_, prefix, config_.hidden_size, config_.moe_intermediate_size, numerics_, unit.get()));
    finisher->Finish(std::move(unit));
    const std::lock_guard lock(mu_);
    loaded_.emplace(id, std::make_shared<const MlpWeights>(std::move(weights)));
    return absl::OkStatus();
  }

  Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const Numerics numerics_;
  SharedWeights* const shared_;
  const std::vector<ExpertId> ids_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mu_;
  ExpertMap loaded_;  // Guarded by mu_.
};

}  // namespace

struct ExpertWeights::Impl {
  int64_t hidden = 0;
  int64_t inner = 0;
  ExpertMap experts;
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
  const int threads = static_cast<int>(std::min<size_t>(missing.size(), serves ? 1 : std::min(AvailableCores(), kMaxThreads)));
  ASSIGN_OR_RETURN(ExpertMap loaded, ExpertLoads(checkpoint, config, numerics, shared, std::move(missing)).Run(threads));
  impl->experts.merge(loaded);
  return std::unique_ptr<ExpertWeights>(new ExpertWeights(std::move(impl)));
}

bool ExpertWeights::Has(ExpertId id) const { return impl_->experts.contains(id); }

std::vector<ExpertId> ExpertWeights::Ids() const {
  std::vector<ExpertId> ids;
  for (const auto& [id, weights] : impl_->experts) ids.push_back(id);
  return ids;
}

int64_t ExpertWeights::hidden() const { return impl_->hidden; }

void ExpertWeights::Apply(ExpertId id, const float* x, int64_t rows, float* y, ThreadPool* pool) const {
  const auto scratch = std::make_unique_for_overwrite<float[]>(2 * rows * impl_->inner);
  ApplyMlp(*impl_->experts.at(id), x, rows, scratch.get(), scratch.get() + rows * impl_->inner, y, pool);
}

}  // namespace baleen
