// The router's decisions: which call goes to which shard and when, what is hedged, given up or parked. No clock, no I/O, no memory of rows.
#ifndef BALEEN_SERVICES_ROUTER_DISPATCH_CORE_H_
#define BALEEN_SERVICES_ROUTER_DISPATCH_CORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/router/dispatch_plan.h"
#include "services/router/latency_model.h"
#include "services/router/replica_table.h"
#include "services/router/shard_health.h"
#include "services/router/slot_book.h"

namespace baleen {

using BatchId = uint64_t;

struct DispatchPolicy {
  // A call that waits this long, or four times as long as it would be overdue, is sent again.
  absl::Duration attempt_timeout = absl::Seconds(5);
  // Without experience a call is overdue after `hedge_unknown`; never before `hedge_floor`.
  absl::Duration hedge_unknown = absl::Milliseconds(250);
  absl::Duration hedge_floor = absl::Milliseconds(15);
  // Second copies sent while the first is still out: `hedge_burst` at once, then one for every `answers_per_hedge` answers, so that a
  // cluster that is slow as a whole is not given twice the work.
  double hedge_burst = 16;
  double answers_per_hedge = 10;
};

struct BatchShape {
  int layer = 0;
  int64_t rows = 0;
  int top_k = 0;
  const int32_t* expert_ids = nullptr;  // [rows, top_k]; outlives the batch.
  int64_t max_call_slots = 0;           // At least top_k.
};

struct OutgoingCall {
  uint64_t id = 0;
  BatchId batch = 0;
  std::string worker_id;
  std::shared_ptr<const ShardCall> work;
};

// What a call's answer is good for: the places in work->slots whose outputs are to be written.
struct ClaimedAnswer {
  BatchId batch = 0;
  std::shared_ptr<const ShardCall> work;
  std::vector<size_t> places;
  absl::Duration took;
};

struct DispatchStats {
  int64_t retries = 0;
  int64_t hedges = 0;
  int64_t ejections = 0;
  int64_t parked = 0;   // Slots that wait for a replica now.
  int64_t ejected = 0;  // Shards now.
};

// Thread-compatible. Times come from the caller and never go back. A shard that left the map keeps its calls, which are hedged at once.
class DispatchCore {
 public:
  explicit DispatchCore(DispatchPolicy policy);

  // Returns the table before, which takes its time to be freed.
  ReplicaTable SetMap(ReplicaTable table, absl::Time now);
  const ReplicaTable& table() const { return table_; }
  // A shard out of the map whose calls are all over; each once.
  std::vector<std::string> TakeForgotten();

  void Connected(const std::string& worker_id);
  // All its calls are lost.
  void Disconnected(const std::string& worker_id, const absl::Status& why);
  bool IsConnected(const std::string& worker_id) const;

  // All slots are parked until the next Plan.
  BatchId Begin(const BatchShape& shape);
  // What is to be sent now: parked slots that have a shard, second copies of overdue calls, calls given up.
  std::vector<OutgoingCall> Plan(absl::Time now);
  // As Plan, for one batch's parked slots.
  std::vector<OutgoingCall> PlanBatch(BatchId batch, absl::Time now);
  // Ejected shards to ask for a sign of life.
  std::vector<std::string> TakeProbes(absl::Time now);
  // When Plan or TakeProbes next has something to do by time alone.
  absl::Time NextEvent(absl::Time now) const;

  // The batch and slots of a call whose outputs are still of use to somebody.
  struct Expected {
    BatchId batch = 0;
    size_t slots = 0;
  };
  std::optional<Expected> ExpectedOf(uint64_t call_id, const std::string& worker_id) const;
  // An answer with outputs; nullopt when nobody needs it any more.
  std::optional<ClaimedAnswer> Answered(uint64_t call_id, const std::string& worker_id, absl::Time now);
  // An answer without outputs. Its shard gets no calls for a moment, unless all that it says is DEADLINE_EXCEEDED: the call came too late.
  void Refused(uint64_t call_id, const std::string& worker_id, const absl::Status& why, absl::Time now);
  // A call could not be sent, which is no sign of life. Its shard gets none for a moment.
  void NotSent(uint64_t call_id, const std::string& worker_id, const absl::Status& why, absl::Time now);
  void Alive(const std::string& worker_id, absl::Time now);

  void Written(BatchId batch, size_t slots);
  bool Complete(BatchId batch) const;
  // Forgets the batch. UNAVAILABLE that names layer and expert when it was not complete.
  absl::Status End(BatchId batch);

  const DispatchStats& stats() const { return stats_; }

 private:
  struct Shard {
    std::string worker_id;
    bool connected = false;
    bool draining = false;
    bool in_map = false;
    bool counted = false;  // In stats_.ejected.
    int64_t slots_out = 0;
    ShardHealth health;
  };
  struct Batch {
    BatchShape shape;
    SlotBook book;
    std::vector<int64_t> parked;  // Ascending.
    absl::Status last_error;
  };
  struct Call {
    BatchId batch = 0;
    Shard* shard = nullptr;
    std::shared_ptr<const ShardCall> work;
    absl::Time sent;
    absl::Time hedge_at;
    absl::Time give_up_at;
    bool overdue = false;
    std::optional<std::vector<int64_t>> uncopied = {};  // Slots that a second copy is wanted of; absent = all.
  };
  using Calls = std::map<uint64_t, Call>;

  Shard& ShardOf(const std::string& worker_id);
  Shard* FindShard(const std::string& worker_id);
  // For a second copy, `not_at` has the first; null for a first one. Adds to `shards`, which is empty.
  void AddReplicas(int layer, int32_t expert, absl::Time now, const Shard* not_at, std::vector<int>* shards) const;
  int64_t LeastSlotCost() const;
  DispatchPlan PlaceSlots(const Batch& batch, absl::Span<const int64_t> slots, absl::Time now, const Shard* not_at) const;
  void Send(BatchId id, Batch& batch, std::vector<ShardCall> calls, absl::Time now, std::vector<OutgoingCall>* out);
  void SendParked(BatchId id, Batch& batch, absl::Time now, std::vector<OutgoingCall>* out);
  void GiveUpLate(absl::Time now);
  void HedgeOverdue(absl::Time now, std::vector<OutgoingCall>* out);
  bool Hedge(Call& call, absl::Time now, std::vector<OutgoingCall>* out);
  void MarkOverdue(Shard& shard, absl::Time now);
  // Its slots are parked unless another call has them.
  void Lose(Calls::iterator call, const absl::Status& why);
  // Overdue calls whose slots this one had a second copy of are to be copied once more.
  void CopyAgain(const Call& lost);
  void Forget(Calls::iterator call);
  // After whatever may change whether it is ejected.
  void CountEjected(Shard& shard);

  const DispatchPolicy policy_;
  LatencyModel latency_;
  ReplicaTable table_;
  std::map<std::string, std::unique_ptr<Shard>> shards_;
  std::vector<Shard*> by_index_;  // Beside table_.shards().
  std::map<BatchId, Batch> batches_;
  Calls calls_;  // Those of ended batches too, until answered: their shards are still busy with them.
  double hedges_left_;
  uint64_t next_id_ = 1;
  DispatchStats stats_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_DISPATCH_CORE_H_
