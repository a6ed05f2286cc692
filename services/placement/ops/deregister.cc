#include "services/placement/ops/deregister.h"

#include "base/status_macros.h"
#include "services/common/log.h"

namespace baleen {

absl::Status HandleDeregister(Cluster& cluster, PlacementProbe& probe, const std::string& caller, const v1::DeregisterRequest& request,
                              v1::DeregisterReply& reply) {
  RETURN_IF_ERROR(cluster.CheckOwner(request.worker_id(), caller));
  // A worker that is already gone has what it asked for.
  if (!cluster.Remove(request.worker_id())) return absl::OkStatus();
  probe.Deregistered();
  Log(LogLevel::kInfo, "deregistered", {{"worker", request.worker_id()}});
  return absl::OkStatus();
}

}  // namespace baleen
