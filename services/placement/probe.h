// Placement's metrics.
#ifndef BALEEN_SERVICES_PLACEMENT_PROBE_H_
#define BALEEN_SERVICES_PLACEMENT_PROBE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "services/placement/cluster_state.h"

namespace prometheus {
class Registry;
}

namespace baleen {

// Thread-safe. The registry must outlive it.
class PlacementProbe {
 public:
  explicit PlacementProbe(prometheus::Registry& registry);
  ~PlacementProbe();

  void Registered();
  void Expired();
  void Deregistered();
  void DigestRefused();
  void Rebalanced();
  // The cluster as it stands: epoch, workers by role and readiness, how many disagree on model or numerics, experts on the move.
  void Observe(uint64_t epoch, const std::vector<MappedWorker>& workers, size_t mismatched, size_t pending);
  void ObserveWantedShards(uint32_t shards);
  // See Assignments::imbalance.
  void ObserveImbalance(double imbalance);

 private:
  struct Metrics;
  std::unique_ptr<Metrics> metrics_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PROBE_H_
