// The router's moving parts around its decisions (DispatchCore): links to shards, rows to messages, one thread that sends what is due.
#ifndef BALEEN_SERVICES_ROUTER_DISPATCHER_H_
#define BALEEN_SERVICES_ROUTER_DISPATCHER_H_

#include <array>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/router/busy_clock.h"
#include "services/router/dispatch_core.h"
#include "services/router/pending_batch.h"
#include "services/router/probe.h"
#include "services/router/router.h"
#include "services/router/shard_link.h"

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
  struct Sending {
    OutgoingCall call;
    std::shared_ptr<PendingBatch> batch;
    std::shared_ptr<ShardLink> link;
    uint64_t epoch = 0;
  };

  std::shared_ptr<ShardLink> MakeLink(const std::string& worker_id, const std::string& address);

  // Named ...Locked: mu_ is held.
  absl::Status ReadyLocked(int first_layer, int layers, int experts) const;
  std::vector<Sending> PrepareLocked(std::vector<OutgoingCall> calls);
  absl::Status EndLocked(const std::shared_ptr<PendingBatch>& batch, std::unique_lock<std::mutex>& lock);
  void WakeLocked();
  // False for a link that was forgotten: what it still says is not about the one that the worker may have since.
  bool HeldLocked(const std::string& worker_id, const ShardLink& link) const;
  // True when it completes its batch.
  bool TakeReplyLocked(const std::string& worker_id, const v1::ExpertReplyHeader& reply, const Payload& payload);

  void SendAll(const std::vector<Sending>& calls);
  void OnReply(const std::string& worker_id, const ShardLink& link, const v1::ExpertReplyHeader& reply, const Payload& payload);
  void OnUp(const std::string& worker_id, const ShardLink& link);
  void OnDown(const std::string& worker_id, const ShardLink& link, const absl::Status& status);
  void OnAlive(const std::string& worker_id, const ShardLink& link);

  void Upkeep();
  absl::Time TickLinks(std::unique_lock<std::mutex>& lock);
  void CloseForgotten(std::unique_lock<std::mutex>& lock);

  const RouterOptions options_;
  Connector* const connector_;
  RouterProbe probe_;

  mutable std::mutex mu_;
  std::condition_variable batches_changed_;  // For Wait.
  std::condition_variable upkeep_due_;
  bool dirty_ = false;  // Upkeep has something to do now.
  bool idle_ = false;   // Upkeep sleeps long: a new batch wakes it.
  bool stopping_ = false;
  uint64_t epoch_ = 0;
  // What Ready said, until the map or a link changes: it is asked often, and looks through all experts.
  mutable std::optional<std::pair<std::array<int, 3>, absl::Status>> readiness_;
  BusyClock busy_;  // Of the one caller.
  DispatchCore core_;
  std::map<std::string, std::shared_ptr<ShardLink>> links_;  // By worker id.
  std::map<BatchId, std::shared_ptr<PendingBatch>> batches_;
  std::thread upkeep_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_DISPATCHER_H_
