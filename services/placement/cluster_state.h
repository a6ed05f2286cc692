// Placement's whole state as a state machine: events and the time go in, a map comes out. No threads, no I/O, no clock.
#ifndef BALEEN_SERVICES_PLACEMENT_CLUSTER_STATE_H_
#define BALEEN_SERVICES_PLACEMENT_CLUSTER_STATE_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/placement/assignments.h"
#include "services/placement/digest_ledger.h"
#include "services/placement/load_meter.h"
#include "services/placement/planner/plan.h"

namespace baleen {

enum class WorkerRole { kGateway, kPrefill, kDecode, kExpert, kPrefillAndDecode };

struct WorkerDescription {
  std::string id;
  WorkerRole role = WorkerRole::kGateway;
  std::string address;
  std::string numerics_id;
  std::string model_id;
  std::string failure_domain;
  ModelShape shape;                 // All 0 for gateways.
  uint64_t kv_capacity_tokens = 0;  // Of decode workers.
  uint32_t max_num_seqs = 0;        // Of decode workers.
  std::string owner = {};           // Who registered it, by certificate; empty = anybody, in plaintext.
};

struct WorkerLoad {
  uint32_t running = 0;
  uint32_t waiting = 0;
  float kv_usage = 0;

  friend bool operator==(const WorkerLoad&, const WorkerLoad&) = default;
};

// As AttentionActivity in placement.proto; all 0 for others.
struct AttentionCounts {
  uint64_t steps = 0;
  uint64_t step_rows = 0;
  uint64_t generated_tokens = 0;
  uint64_t kv_blocks_total = 0;
  uint64_t kv_blocks_used = 0;
  uint64_t kv_blocks_cached = 0;
};

struct WorkerReport {
  bool ready = false;
  bool draining = false;
  WorkerLoad load;
  Holdings loaded;
  std::vector<NamedDigest> digests;
  std::vector<LayerRows> rows;
  AttentionCounts attention;
};

// What a worker last said of its work.
struct ObservedWorker {
  std::string id;
  absl::Duration silent;
  std::vector<LayerRows> rows;
  AttentionCounts attention;
};

struct MappedWorker {
  WorkerDescription description;
  bool ready = false;  // As reported, and not refused.
  bool draining = false;
  WorkerLoad load;
  Holdings experts;      // What may be sent to it; none while refused.
  absl::Status refused;  // Why its experts are not to be used.
};

struct ClusterOptions {
  AssignmentOptions assignment;
  absl::Duration heartbeat_timeout = absl::Seconds(3);
};

// Not thread-safe.
class ClusterState {
 public:
  explicit ClusterState(const ClusterOptions& options) : options_(options), assignments_(options.assignment) {}

  // Goes on where another placement ended: epochs above `epoch`, its plan for shards that register again, and no map for one heartbeat
  // timeout where there was one before.
  void Resume(uint64_t epoch, std::map<std::string, Holdings> targets, absl::Time now);
  // Epochs from here on are not to be used yet; changes wait.
  void LimitEpoch(uint64_t limit) { epoch_limit_ = limit; }

  // Adds the worker or renews it (not ready until its next report). `epoch_seen` above this state's own means that placement restarted:
  // the epoch goes on above it, and no map leaves for one heartbeat timeout, so that the first one does not miss live workers.
  // INVALID_ARGUMENT when epoch_seen is above kMaxEpochSeen, or an expert shard's shape differs from the others' or cannot be planned;
  // RESOURCE_EXHAUSTED past kMaxWorkers. PERMISSION_DENIED as CheckOwner says.
  absl::Status Register(const WorkerDescription& worker, uint64_t epoch_seen, const Holdings& loaded, absl::Time now);
  // OK when nobody has the id or `caller` is its owner; PERMISSION_DENIED: another certificate's worker has it.
  absl::Status CheckOwner(const std::string& id, const std::string& caller) const;
  // NOT_FOUND asks to register. INVALID_ARGUMENT: refused, because a digest disagrees; stays so until the worker registers under a new id.
  absl::Status Report(const std::string& id, const WorkerReport& report, absl::Time now);
  // Whether it was there.
  bool Remove(const std::string& id, absl::Time now);
  // Has the worker told to drain until it is gone; NOT_FOUND for one that is not here. FAILED_PRECONDITION: it is the last ready decode
  // worker, or without it there would be fewer shards than copies of each expert while an attention worker sends to them. UNAVAILABLE: who
  // else is there is not known yet, after a restart.
  absl::Status Drain(const std::string& id);
  bool IsDrainWanted(const std::string& id) const;
  // Removes workers silent for longer than the timeout and returns their ids; publishes load changes; moves experts. To be called at
  // least four times per timeout; a longer gap means that placement itself was paused, and is nobody's silence.
  std::vector<std::string> Tick(absl::Time now);

  // See Assignments.
  std::optional<RebalanceInput> ForRebalance() { return assignments_.ForRebalance(); }
  bool Adopt(RebalancePlan plan, absl::Time now);

  const Assignments& assignments() const { return assignments_; }

  // Grows with every published change.
  uint64_t epoch() const { return epoch_; }
  // Whether there is a map to hand out: something registered, and no hold after a restart.
  bool published() const { return published_; }
  std::vector<MappedWorker> Map() const;
  // Of every worker.
  std::vector<ObservedWorker> Observe(absl::Time now) const;
  // Workers whose numerics or model differ from those of the first by id; gateways, which name none, are left out.
  std::vector<std::string> Mismatched() const;

  static constexpr size_t kMaxWorkers = 4096;
  static constexpr uint64_t kMaxEpochSeen = uint64_t{1} << 62;  // No cluster gets there, and those above it would have nowhere to go.

 private:
  struct Entry {
    MappedWorker mapped;
    absl::Time last_seen;
    std::vector<LayerRows> rows;
    AttentionCounts attention;
    bool drain_wanted = false;

    bool leaving() const { return drain_wanted || mapped.draining; }
  };

  absl::Status CheckSpared(const Entry& entry) const;
  absl::Status CheckShardSpared(const WorkerDescription& shard) const;
  void Erase(std::map<std::string, Entry>::iterator it, absl::Time now);
  // Takes what the shards may be sent into the map; whether anything changed.
  bool TakeAnnounced();
  void Changed();
  void Hold(absl::Time now);
  void ReleaseHold(absl::Time now);

  const ClusterOptions options_;
  std::map<std::string, Entry> workers_;
  DigestLedger digests_;
  Assignments assignments_;
  uint64_t announced_version_ = 0;
  uint64_t epoch_ = 0;
  uint64_t epoch_limit_ = std::numeric_limits<uint64_t>::max();
  bool published_ = false;
  bool dirty_ = false;  // Changes that wait for the hold's end or the next tick.
  std::optional<absl::Time> hold_until_;
  std::optional<absl::Time> last_tick_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_CLUSTER_STATE_H_
