#include "services/router/replica_table.h"

#include <algorithm>

namespace baleen {

ReplicaTable::ReplicaTable(const v1::ClusterMap& map, const std::string& numerics_id) {
  std::vector<const v1::Worker*> workers;
  for (const v1::Worker& worker : map.workers()) {
    if (worker.info().role() == v1::ROLE_EXPERT && worker.info().numerics_id() == numerics_id) workers.push_back(&worker);
  }
  std::sort(workers.begin(), workers.end(),
            [](const v1::Worker* a, const v1::Worker* b) { return a->info().worker_id() < b->info().worker_id(); });
  for (const v1::Worker* worker : workers) {
    const int index = static_cast<int>(shards_.size());
    shards_.push_back({worker->info().worker_id(), worker->info().address(), worker->draining()});
    for (const v1::ExpertRange& range : worker->experts()) {
      if (range.layer() >= kMaxLayers) continue;
      std::vector<std::vector<int>>& layer = holders_[static_cast<int>(range.layer())];
      for (const uint32_t expert : range.experts()) {
        if (expert >= kMaxExperts) continue;
        if (layer.size() <= expert) layer.resize(expert + 1);
        std::vector<int>& holders = layer[expert];
        if (holders.empty() || holders.back() != index) holders.push_back(index);
      }
    }
  }
}

const std::vector<int>& ReplicaTable::Holders(int layer, int expert) const {
  static const std::vector<int> nobody;
  const auto it = holders_.find(layer);
  if (it == holders_.end() || expert < 0 || static_cast<size_t>(expert) >= it->second.size()) return nobody;
  return it->second[expert];
}

}  // namespace baleen
