#include "services/placement/office.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "services/placement/convert.h"

namespace baleen {
namespace {

constexpr uint64_t kEpochBlock = 1000;

// Where the epochs end that this leader reserved. Leadership's thread alone uses it.
struct Reservation {
  uint64_t limit = 0;
};

void TakeOver(Cluster& cluster, Reservation& reservation, const v1::StoredPlacement& stored) {
  std::map<std::string, Holdings> targets;
  for (const v1::StoredShard& shard : stored.shards()) {
    absl::StatusOr<Holdings> target = FromProto(shard.target());
    // A plan that cannot be read is only a plan: shards are planned anew.
    if (target.ok()) targets.emplace(shard.worker_id(), *std::move(target));
  }
  // One that this placement cannot have, it was stored for other flags.
  if (stored.wanted_shards() > 0) cluster.SetWantedShards(stored.wanted_shards()).IgnoreError();
  reservation.limit = stored.epoch_limit();
  cluster.Restart(stored.epoch_limit(), std::move(targets));
  cluster.LimitEpoch(stored.epoch_limit());
}

v1::StoredPlacement Record(const Cluster& cluster, Reservation& reservation) {
  if (cluster.epoch() + kEpochBlock / 2 >= reservation.limit) reservation.limit = cluster.epoch() + kEpochBlock;
  v1::StoredPlacement record;
  record.set_epoch_limit(reservation.limit);
  record.set_wanted_shards(cluster.wanted_shards());
  for (const auto& [id, target] : cluster.Targets()) {
    v1::StoredShard& shard = *record.add_shards();
    shard.set_worker_id(id);
    ToProto(target, shard.mutable_target());
  }
  return record;
}

}  // namespace

ElectionEvents MakeOffice(Cluster& cluster) {
  const auto reservation = std::make_shared<Reservation>();
  ElectionEvents events;
  events.on_elected = [&cluster, reservation](const v1::StoredPlacement& stored) { TakeOver(cluster, *reservation, stored); };
  events.on_lost = [&cluster] { cluster.Restart(0, {}); };
  events.record = [&cluster, reservation] { return Record(cluster, *reservation); };
  events.on_stored = [&cluster](const v1::StoredPlacement& stored) { cluster.LimitEpoch(stored.epoch_limit()); };
  return events;
}

}  // namespace baleen
