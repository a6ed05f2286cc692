#include "services/placement/ops/get_activity.h"

#include "services/placement/convert.h"

namespace baleen {

void HandleGetActivity(const Cluster& cluster, v1::Activity& reply) {
  reply.set_epoch(cluster.epoch());
  reply.set_pending_moves(static_cast<uint32_t>(cluster.pending()));
  reply.set_wanted_shards(cluster.wanted_shards());
  for (const ObservedWorker& worker : cluster.Observe()) *reply.add_workers() = ToProto(worker);
}

}  // namespace baleen
