#include "services/gateway/generation/worker_picker.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "services/common/decode_workers.h"

namespace baleen {
namespace {

bool AnyDecodes(const v1::ClusterMap& map) { return std::any_of(map.workers().begin(), map.workers().end(), TakesSequences); }

}  // namespace

void WorkerPicker::UpdateMap(std::shared_ptr<const v1::ClusterMap> map) {
  const absl::Time now = clock_->Now();
  const std::lock_guard<std::mutex> lock(mutex_);
  map_ = std::move(map);
  none_ready_since_ = AnyDecodes(*map_) ? absl::InfiniteFuture() : std::min(none_ready_since_, now);
  // The map's loads are as old as two heartbeats, and count what is open here among the others': where answers take no longer than that,
  // picking by them sends whole batches to and fro.
  std::map<std::string, int64_t> own = open_.Most(now);
  std::map<std::string, Standing> standings;
  for (const v1::Worker& worker : map_->workers()) {
    const std::string& id = worker.info().worker_id();
    const int64_t of_others = int64_t{worker.running()} + worker.waiting() - own[id];
    standings[id] = {.sequences_of_others = std::max<int64_t>(0, of_others), .last_pick = standings_[id].last_pick};
  }
  standings_ = std::move(standings);
}

std::optional<PickedWorker> WorkerPicker::Pick(const std::set<std::string>& avoid, const std::string& numerics_id,
                                               const SequencePrefix& prefix, const StandbyKey* goes_on) {
  const std::vector<uint64_t> names = PrefixAffinity::NameBlocks(prefix.salt, prefix.tokens);
  const absl::Time now = clock_->Now();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (map_ == nullptr) return std::nullopt;
  const v1::Worker* const standby = goes_on == nullptr ? nullptr : StandbyOf(*map_, *goes_on);
  const v1::Worker* best = nullptr;
  std::tuple<bool, bool, int64_t, int64_t, std::string> best_key;
  for (const v1::Worker& worker : map_->workers()) {
    if (!TakesSequences(worker) || (!numerics_id.empty() && worker.info().numerics_id() != numerics_id)) continue;
    const std::string& id = worker.info().worker_id();
    const Standing& standing = standings_[id];
    const int64_t sequences = open_.Now(id) + standing.sequences_of_others;
    const int64_t cost = sequences * kSequenceTokens - affinity_.CachedTokens(id, names, now);
    std::tuple<bool, bool, int64_t, int64_t, std::string> key(avoid.count(id) > 0, &worker != standby, cost, standing.last_pick, id);
    if (best == nullptr || key < best_key) {
      best = &worker;
      best_key = std::move(key);
    }
  }
  if (best == nullptr) return std::nullopt;
  const v1::WorkerInfo& picked = best->info();
  standings_[picked.worker_id()].last_pick = ++picks_;
  affinity_.Remember(picked.worker_id(), names, now);
  return PickedWorker{picked.worker_id(), picked.address(), picked.numerics_id(), open_.Add(picked.worker_id(), now)};
}

void WorkerPicker::Remember(const std::string& worker_id, const SequencePrefix& prefix) {
  const std::vector<uint64_t> names = PrefixAffinity::NameBlocks(prefix.salt, prefix.tokens);
  const absl::Time now = clock_->Now();
  const std::lock_guard<std::mutex> lock(mutex_);
  affinity_.Remember(worker_id, names, now);
}

bool WorkerPicker::Lists(const std::string& worker_id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (map_ == nullptr) return false;
  const auto is_it = [&](const v1::Worker& worker) { return worker.info().worker_id() == worker_id; };
  return std::any_of(map_->workers().begin(), map_->workers().end(), is_it);
}

bool WorkerPicker::AnyReady() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return map_ != nullptr && AnyDecodes(*map_);
}

absl::Time WorkerPicker::NoneReadySince() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return none_ready_since_;
}

double WorkerPicker::KvUsage() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (map_ == nullptr) return 0;
  double usage = 0;
  int workers = 0;
  for (const v1::Worker& worker : map_->workers()) {
    if (!TakesSequences(worker)) continue;
    usage += static_cast<double>(worker.kv_usage());
    ++workers;
  }
  return workers == 0 ? 0 : usage / workers;
}

}  // namespace baleen
