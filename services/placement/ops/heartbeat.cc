#include "services/placement/ops/heartbeat.h"

#include "base/status_macros.h"
#include "services/common/log.h"
#include "services/placement/convert.h"

namespace baleen {

absl::Status HandleHeartbeat(Cluster& cluster, PlacementProbe& probe, const std::string& caller, const v1::HeartbeatRequest& request,
                             v1::HeartbeatReply& reply) {
  RETURN_IF_ERROR(cluster.CheckOwner(request.worker_id(), caller));
  ASSIGN_OR_RETURN(const WorkerReport report, FromProto(request));
  const absl::StatusOr<WorkerOrders> orders = cluster.Report(request.worker_id(), report);
  if (absl::IsInvalidArgument(orders.status()) && !report.digests.empty()) {
    probe.DigestRefused();
    Log(LogLevel::kError, "digest_refused", {{"worker", request.worker_id()}, {"reason", std::string(orders.status().message())}});
  }
  if (!orders.ok()) return orders.status();
  reply.set_epoch(orders->epoch);
  ToProto(orders->assigned, reply.mutable_assigned());
  reply.set_released(orders->released);
  reply.set_drain(orders->drain);
  return absl::OkStatus();
}

}  // namespace baleen
