// The router's state: shards by the newest map, batches, calls in flight; one thread keeps links up and sends again what failed.
#ifndef BALEEN_SERVICES_ROUTER_DISPATCHER_H_
#define BALEEN_SERVICES_ROUTER_DISPATCHER_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "services/router/pending_batch.h"
#include "services/router/probe.h"
#include "services/router/replica_table.h"
#include "services/router/router.h"

namespace baleen {

// Thread-safe. Owned by shared_ptr: link events hold it weakly.
class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  Dispatcher(RouterOptions options, Connector* connector, prometheus::Registry* metrics);
  // Start first, Stop last; after Stop every batch ends with UNAVAILABLE.
  void Start();
  void Stop();

  void UpdateMap(const v1::ClusterMap& map);
  absl::Status Ready(int first_layer, int layers, int experts) const;

  std::shared_ptr<PendingBatch> Begin(const ExpertBatch& spec);
  // Until every output is there or the deadline; afterwards nothing touches the batch's memory.
  absl::Status Wait(const std::shared_ptr<PendingBatch>& batch);
  // As Wait with a deadline in the past.
  void Abandon(const std::shared_ptr<PendingBatch>& batch);

 private:
  using Calls = std::vector<std::shared_ptr<PendingCall>>;

  std::shared_ptr<ShardLink> MakeLink(const std::shared_ptr<Shard>& shard, const std::string& address);
  std::vector<std::shared_ptr<Shard>> SwapShards(const ReplicaTable& table);

  // Named ...Locked: mu_ is held.
  std::vector<int> ReplicasLocked(int layer, int32_t expert, absl::Time now) const;
  Calls PlanLocked(const std::shared_ptr<PendingBatch>& batch, absl::Time now);
  void FailLocked(uint64_t call_id, const absl::Status& error);
  // As FailLocked, and the shard gets no calls for a moment.
  void RefusedLocked(Shard& shard, uint64_t call_id, const absl::Status& error);
  void CountParkedLocked();
  void TimeOutLocked(absl::Time now);
  absl::Time NextEventLocked(absl::Time now) const;
  absl::Status EndLocked(const std::shared_ptr<PendingBatch>& batch, std::unique_lock<std::mutex>& lock);

  void SendAll(const Calls& calls);
  void OnReply(const std::shared_ptr<Shard>& shard, const v1::ExpertReplyHeader& reply, const Payload& payload);
  void OnUp();
  void OnDown(const std::shared_ptr<Shard>& shard, const absl::Status& status);

  void Upkeep();
  absl::Time TickLinks(std::unique_lock<std::mutex>& lock);
  void DropRetiredLocked();

  const RouterOptions options_;
  Connector* const connector_;
  RouterProbe probe_;

  mutable std::mutex mu_;
  std::condition_variable batches_changed_;  // For Wait.
  std::condition_variable upkeep_due_;
  bool dirty_ = false;  // Upkeep has something to do now.
  bool stopping_ = false;
  uint64_t epoch_ = 0;
  uint64_t next_call_id_ = 1;
  ReplicaTable table_;
  std::vector<std::shared_ptr<Shard>> shards_;  // Beside table_.shards().
  std::set<std::shared_ptr<Shard>> retired_;
  std::map<uint64_t, std::shared_ptr<PendingCall>> calls_;
  std::set<std::shared_ptr<PendingBatch>> batches_;
  std::thread upkeep_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_DISPATCHER_H_
