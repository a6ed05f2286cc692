// The state machine shared by RPC threads: a lock, a clock, and maps handed to whoever watches.
#ifndef BALEEN_SERVICES_PLACEMENT_CLUSTER_H_
#define BALEEN_SERVICES_PLACEMENT_CLUSTER_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster_state.h"

namespace baleen {

using MapPtr = std::shared_ptr<const v1::ClusterMap>;

// What a worker is told in return for an event.
struct WorkerOrders {
  uint64_t epoch = 0;
  Holdings assigned;
  bool released = false;  // A draining worker may stop.
  bool drain = false;     // It is to drain and end.
};

// Thread-safe.
class Cluster {
 public:
  Cluster(const ClusterOptions& options, Clock* clock)
      : options_(options), clock_(clock), state_(options), wanted_shards_(options.assignment.expected_shards) {}

  // Forgets everything and goes on as ClusterState::Resume says.
  void Restart(uint64_t epoch, std::map<std::string, Holdings> targets);
  void LimitEpoch(uint64_t limit);
  std::map<std::string, Holdings> Targets() const;

  // As ClusterState's, at the clock's time; each publishes what it changed.
  absl::StatusOr<WorkerOrders> Register(const WorkerDescription& worker, uint64_t epoch_seen, const Holdings& loaded);
  absl::StatusOr<WorkerOrders> Report(const std::string& id, const WorkerReport& report);
  bool Remove(const std::string& id);
  absl::Status Drain(const std::string& id);
  absl::Status CheckOwner(const std::string& id, const std::string& caller) const;
  std::vector<std::string> Tick();
  // Moves experts where measured load asks for it; whether any move. The others do not wait while it plans.
  bool Rebalance();

  // How many expert shards an operator wants; the expected ones until somebody says. INVALID_ARGUMENT outside of [replicas, kMaxShards].
  // Outlives Restart.
  absl::Status SetWantedShards(uint32_t shards);
  uint32_t wanted_shards() const;

  uint64_t epoch() const;
  std::vector<std::string> Mismatched() const;
  size_t pending() const;
  double imbalance() const;
  std::vector<MappedWorker> Snapshot() const;
  std::vector<ObservedWorker> Observe() const;

  // Calls `watcher` with the newest map, if there is one, and then with each newer one, in order, until Unwatch returns. Watchers must
  // not call back into the cluster. Returns a handle; RESOURCE_EXHAUSTED past kMaxWatchers.
  absl::StatusOr<uint64_t> Watch(std::function<void(const MapPtr&)> watcher);
  void Unwatch(uint64_t handle);

  static constexpr size_t kMaxWatchers = 8192;

 private:
  WorkerOrders Orders(const std::string& id) const;
  // Hands the state's map out if its epoch is new. Takes the locks in the order watch_mutex_, mutex_.
  void Publish();

  const ClusterOptions options_;
  Clock* const clock_;
  mutable std::mutex mutex_;           // Guards state_.
  std::optional<ClusterState> state_;  // Always there; anew after Restart.
  uint64_t restarts_ = 0;              // Guarded by mutex_ too, as is the next.
  uint32_t wanted_shards_;

  std::mutex watch_mutex_;  // Guards what follows.
  MapPtr newest_;
  uint64_t next_handle_ = 1;
  std::map<uint64_t, std::function<void(const MapPtr&)>> watchers_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_CLUSTER_H_
