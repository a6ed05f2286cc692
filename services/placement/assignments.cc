#include "services/placement/assignments.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/placement/planner/handover.h"

namespace baleen {
namespace {

// More shards than these share what each tick makes of their joining and loading: it takes longer the more there are.
constexpr size_t kServedAtOnce = 16;

}  // namespace

absl::Status Assignments::CheckShape(const ModelShape& shape) const {
  if (!shards_.empty() && shape != shape_) {
    return absl::InvalidArgumentError(absl::StrCat("expert shard of ", shape.moe_layers, " MoE layers with ", shape.experts,
                                                   " experts from layer ", shape.first_moe_layer, "; the cluster's model has ",
                                                   shape_.moe_layers, " with ", shape_.experts, " from layer ", shape_.first_moe_layer));
  }
  PlanInput input;
  input.shape = shape;
  input.shards.resize(1);
  return CheckPlanInput(input);
}

void Assignments::Join(const std::string& id, const ModelShape& shape, const std::string& numerics_id, const std::string& failure_domain,
                       const Holdings& loaded, absl::Time now) {
  if (shards_.empty() && shape != shape_) {
    shape_ = shape;
    meter_.Reset(shape);
  }
  auto [it, is_new] = shards_.try_emplace(id);
  Shard& shard = it->second;
  if (is_new) {
    shard.order = next_order_++;
    if (auto known = remembered_.extract(id)) shard.target = std::move(known.mapped());
  }
  shard.numerics_id = numerics_id;
  shard.failure_domain = failure_domain;
  shard.loaded = loaded;
  if (!first_joined_) first_joined_ = now;
  if (shards_.size() >= options_.expected_shards) formed_ = true;
  // While the cluster forms each shard's part is known at once, or of many with the next tick; later ones may come together.
  if (is_new && first_joined_ && now - *first_joined_ < options_.forming && next_order_ <= options_.expected_shards) {
    SchedulePlan(now);
  } else if (is_new) {
    SchedulePlan(now + options_.settle);
  }
  if (options_.expected_shards <= kServedAtOnce && !hold_until_ && plan_at_ && *plan_at_ <= now) PlanAll(now);
  Refresh(now);
}

void Assignments::Report(const std::string& id, const Holdings& loaded, bool draining, absl::Time now) {
  const auto it = shards_.find(id);
  if (it == shards_.end()) return;
  Shard& shard = it->second;
  if (shard.draining != draining) SchedulePlan(now + options_.settle);
  if (shard.draining == draining && shard.loaded == loaded) return;
  shard.draining = draining;
  shard.loaded = loaded;
  if (shards_.size() <= kServedAtOnce) {
    Refresh(now);
  } else {
    stale_ = true;
  }
}

void Assignments::CountRows(const std::string& id, const std::vector<LayerRows>& rows) {
  if (shards_.contains(id)) meter_.Count(id, rows);
}

void Assignments::Leave(const std::string& id, absl::Time now) {
  const auto it = shards_.find(id);
  if (it == shards_.end()) return;
  if (!it->second.target.empty()) SchedulePlan(now);
  shards_.erase(it);
  meter_.Forget(id);
  ++version_;
  Refresh(now);
}

void Assignments::Tick(absl::Time now) {
  if (last_tick_) meter_.Decay(now - *last_tick_);
  last_tick_ = now;
  if (hold_until_ && now >= *hold_until_) {
    hold_until_.reset();
    formed_ = true;
  }
  if (!formed_ && first_joined_ && now - *first_joined_ >= options_.forming) {
    formed_ = true;
    SchedulePlan(now);
  }
  if (!hold_until_ && plan_at_ && now >= *plan_at_) PlanAll(now);
  for (auto& [id, shard] : shards_) LetGo(shard, now);
  if (stale_) Refresh(now);
}

void Assignments::LetGo(Shard& shard, absl::Time now) {
  if (shard.lingering.empty() || now < shard.lingering.front().first) return;
  while (!shard.lingering.empty() && now >= shard.lingering.front().first) shard.lingering.pop_front();
  Holdings kept = shard.wanted;
  for (const auto& [until, holdings] : shard.lingering) kept = Union(kept, holdings);
  shard.told = Intersection(shard.told, kept);
  stale_ = true;  // There is room for others.
}

std::optional<RebalanceInput> Assignments::ForRebalance() {
  if (pending() > 0 || !formed_ || hold_until_ || !LoadsKnown()) return std::nullopt;
  RebalanceInput input{.version = version_, .gain = options_.rebalance_gain, .groups = {}};
  for (const auto& [numerics_id, group] : Groups()) {
    const Group eligible = Eligible(group);
    if (!eligible.empty()) input.groups.emplace(numerics_id, InputOf(eligible, true));
  }
  return input;
}

bool Assignments::Adopt(RebalancePlan plan, absl::Time now) {
  if (plan.version != version_ || pending() > 0 || plan.groups.empty()) return false;
  for (auto& [numerics_id, group] : Groups()) {
    const auto planned = plan.groups.find(numerics_id);
    if (planned == plan.groups.end()) continue;
    const Group eligible = Eligible(group);
    for (size_t i = 0; i < eligible.size(); ++i) eligible[i]->target = std::move(planned->second[i]);
  }
  Refresh(now);
  return true;
}

Holdings Assignments::Assigned(const std::string& id) const {
  const auto it = shards_.find(id);
  return it == shards_.end() ? Holdings() : it->second.told;
}

Holdings Assignments::Announced(const std::string& id) const {
  const auto it = shards_.find(id);
  return it == shards_.end() ? Holdings() : Intersection(it->second.loaded, it->second.wanted);
}

bool Assignments::IsReleased(const std::string& id) const {
  const auto it = shards_.find(id);
  if (hold_until_ || it == shards_.end() || !it->second.draining) return false;
  const auto can_take_over = [&](const auto& other) {
    return !other.second.draining && other.second.numerics_id == it->second.numerics_id;
  };
  return it->second.told.empty() || std::none_of(shards_.begin(), shards_.end(), can_take_over);
}

size_t Assignments::pending() const {
  size_t count = plan_at_ ? 1 : 0;
  for (const auto& [id, shard] : shards_) {
    count += CountExperts(Difference(shard.target, shard.loaded)) + CountExperts(Difference(shard.loaded, shard.wanted));
  }
  return count;
}

std::map<std::string, Holdings> Assignments::Targets() const {
  std::map<std::string, Holdings> targets;
  for (const auto& [id, shard] : shards_) targets.emplace(id, shard.target);
  return targets;
}

double Assignments::imbalance() const {
  std::map<std::string, Plan> plans;
  for (const auto& [id, shard] : shards_) {
    if (!shard.draining) plans[shard.numerics_id].push_back(shard.target);
  }
  double worst = 1;
  for (const auto& [numerics_id, plan] : plans) worst = std::max(worst, Imbalance(shape_, meter_.loads(), plan));
  return worst;
}

std::map<std::string, Assignments::Group> Assignments::Groups() {
  std::map<std::string, Group> groups;
  for (auto& [id, shard] : shards_) groups[shard.numerics_id].push_back(&shard);
  for (auto& [numerics_id, group] : groups) {
    std::sort(group.begin(), group.end(), [](const Shard* a, const Shard* b) { return a->order < b->order; });
  }
  return groups;
}

Assignments::Group Assignments::Eligible(const Group& group) const {
  Group eligible;
  std::copy_if(group.begin(), group.end(), std::back_inserter(eligible), [](const Shard* shard) { return !shard->draining; });
  return eligible;
}

void Assignments::SchedulePlan(absl::Time at) { plan_at_ = plan_at_ ? std::min(*plan_at_, at) : at; }

PlanInput Assignments::InputOf(const Group& group, bool use_loads) const {
  PlanInput input;
  input.shape = shape_;
  input.replicas = options_.replicas;
  input.extra_slots = options_.extra_slots;
  if (use_loads) input.loads = meter_.loads();
  for (const Shard* shard : group) input.shards.push_back({shard->failure_domain, shard->target.empty() ? shard->loaded : shard->target});
  return input;
}

std::vector<Holdings> Assignments::PlanGroup(const Group& group) const {
  PlanInput input = InputOf(group, LoadsKnown());
  // Places of those that are still to come.
  if (!formed_ && input.shards.size() < options_.expected_shards) input.shards.resize(options_.expected_shards);
  absl::StatusOr<Plan> plan = PlanExperts(input);
  if (!plan.ok()) return {};  // The shape was checked; only an empty group gets here.
  plan->resize(group.size());
  return *std::move(plan);
}

void Assignments::PlanAll(absl::Time now) {
  plan_at_.reset();
  remembered_.clear();  // This plan is newer.
  for (auto& [numerics_id, group] : Groups()) {
    const Group eligible = Eligible(group);
    std::vector<Holdings> plan = PlanGroup(eligible);
    for (Shard* shard : group) {
      if (shard->draining) shard->target.clear();
    }
    for (size_t i = 0; i < plan.size(); ++i) eligible[i]->target = std::move(plan[i]);
  }
  Refresh(now);
}

void Assignments::Refresh(absl::Time now) {
  for (auto& [numerics_id, group] : Groups()) {
    std::vector<ShardHoldings> holdings;
    std::vector<Holdings> told;
    for (const Shard* shard : group) {
      holdings.push_back({shard->target, shard->loaded});
      told.push_back(shard->told);
    }
    std::vector<Holdings> wanted = HoldUntilReplaced(holdings);
    std::vector<Holdings> staged = StageLoads(holdings, wanted, told);
    for (size_t i = 0; i < group.size(); ++i) {
      Shard& shard = *group[i];
      if (Holdings dropped = Difference(shard.wanted, wanted[i]); !dropped.empty()) {
        shard.lingering.emplace_back(now + options_.linger, std::move(dropped));
      }
      shard.wanted = std::move(wanted[i]);
      shard.told = std::move(staged[i]);
    }
  }
  stale_ = false;
  ++version_;
}

}  // namespace baleen
