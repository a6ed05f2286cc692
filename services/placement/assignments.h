// Who is to hold which experts over time: plans when shards come, go or are unevenly loaded, and moves experts make-before-break.
#ifndef BALEEN_SERVICES_PLACEMENT_ASSIGNMENTS_H_
#define BALEEN_SERVICES_PLACEMENT_ASSIGNMENTS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/placement/load_meter.h"
#include "services/placement/planner/plan.h"
#include "services/placement/rebalance_plan.h"

namespace baleen {

struct AssignmentOptions {
  uint32_t expected_shards = 1;  // At the start: places are kept for those that have not come yet.
  uint32_t replicas = 1;
  uint32_t extra_slots = 0;                         // See PlanInput.
  absl::Duration forming = absl::Seconds(60);       // How long places are kept.
  absl::Duration settle = absl::Milliseconds(500);  // Changes within this time share one plan; the loss of a copy does not wait.
  absl::Duration linger = absl::Seconds(1);         // A copy taken out of the map stays loaded: routers may still have the last map.
  absl::Duration load_half_life = absl::Minutes(1);
  double min_rows = 1000;       // Loads that sum to less say nothing,
  double min_reports = 20;      // nor do fewer reports of the newest ones' size: shards report one after the other.
  double rebalance_gain = 1.1;  // A plan for measured loads is adopted when it is this much more even.
};

// Shards of one model; those of each numerics_id hold all experts among themselves. A shard's copy is announced when it is loaded and
// wanted: planned for it, or not yet replaced. Not thread-safe.
class Assignments {
 public:
  explicit Assignments(const AssignmentOptions& options) : options_(options), meter_(options.load_half_life) {}

  // INVALID_ARGUMENT when the shape differs from that of the shards that are here, or cannot be planned.
  absl::Status CheckShape(const ModelShape& shape) const;
  // A shard of a checked shape. `loaded` is kept until a plan replaces it.
  void Join(const std::string& id, const ModelShape& shape, const std::string& numerics_id, const std::string& failure_domain,
            const Holdings& loaded, absl::Time now);
  // Nothing to do for shards that have not joined. What follows from it with many shards, which report all the time, the next tick says.
  void Report(const std::string& id, const Holdings& loaded, bool draining, absl::Time now);
  void CountRows(const std::string& id, const std::vector<LayerRows>& rows);
  void Leave(const std::string& id, absl::Time now);
  bool Has(const std::string& id) const { return shards_.contains(id); }

  // No plan before this time: not all shards may have registered again.
  void HoldUntil(absl::Time time) { hold_until_ = time; }
  // What an earlier placement had planned for shards that will join again before the next plan is made.
  void Remember(std::map<std::string, Holdings> targets) { remembered_ = std::move(targets); }
  // What the newest plan gives each shard.
  std::map<std::string, Holdings> Targets() const;
  // Plans what is due, takes in what was reported, lets go what has lingered.
  void Tick(absl::Time now);
  // What a plan for measured load is made from; nothing while experts move or loads are unknown.
  std::optional<RebalanceInput> ForRebalance();
  // Moves experts as planned; returns whether any do. A plan for what has changed since is dropped.
  bool Adopt(RebalancePlan plan, absl::Time now);

  // What the shard is told to hold.
  Holdings Assigned(const std::string& id) const;
  // What may be sent to it.
  Holdings Announced(const std::string& id) const;
  // It was draining, and nothing of it is needed any more, or nobody is left to take over, which is not known while plans are held.
  bool IsReleased(const std::string& id) const;

  // Copies that wait to be loaded or let go, and 1 for a plan that is due; 0 = settled.
  size_t pending() const;
  // Grows whenever what is announced changes.
  uint64_t version() const { return version_; }
  // Of the newest plan under the measured loads; 1 = even.
  double imbalance() const;

 private:
  struct Shard {
    uint64_t order = 0;  // Of arrival.
    std::string numerics_id;
    std::string failure_domain;
    bool draining = false;
    Holdings target;
    Holdings loaded;
    Holdings wanted;                                        // Target, and what nobody has replaced yet.
    Holdings told;                                          // What is wanted, as far as there is room for it, and what lingers.
    std::deque<std::pair<absl::Time, Holdings>> lingering;  // What was wanted, and until when it stays.
  };
  using Group = std::vector<Shard*>;

  // By numerics_id, in order of arrival.
  std::map<std::string, Group> Groups();
  void SchedulePlan(absl::Time at);
  void PlanAll(absl::Time now);
  PlanInput InputOf(const Group& group, bool use_loads) const;
  std::vector<Holdings> PlanGroup(const Group& group) const;
  // Brings wanted and told in line with targets and loaded.
  void Refresh(absl::Time now);
  void LetGo(Shard& shard, absl::Time now);
  Group Eligible(const Group& group) const;
  bool LoadsKnown() const { return meter_.total() >= options_.min_rows && meter_.total() >= options_.min_reports * meter_.newest(); }

  const AssignmentOptions options_;
  LoadMeter meter_;
  ModelShape shape_;
  std::map<std::string, Shard> shards_;
  std::map<std::string, Holdings> remembered_;
  uint64_t next_order_ = 0;
  uint64_t version_ = 0;
  bool stale_ = false;   // Shards have reported since the last Refresh.
  bool formed_ = false;  // All expected shards were here at once, or did not come in time.
  std::optional<absl::Time> first_joined_;
  std::optional<absl::Time> plan_at_;
  std::optional<absl::Time> hold_until_;
  std::optional<absl::Time> last_tick_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ASSIGNMENTS_H_
