#include "services/placement/ops/register.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/log.h"
#include "services/placement/convert.h"
#include "services/placement/timing.h"

namespace baleen {

absl::Status HandleRegister(Cluster& cluster, PlacementProbe& probe, const std::string& caller, const v1::RegisterRequest& request,
                            v1::RegisterReply& reply) {
  ASSIGN_OR_RETURN(WorkerDescription worker, FromProto(request.worker()));
  worker.owner = caller;
  ASSIGN_OR_RETURN(const Holdings loaded, FromProto(request.loaded()));
  const absl::StatusOr<WorkerOrders> orders = cluster.Register(worker, request.epoch_seen(), loaded);
  if (!orders.ok()) {
    Log(LogLevel::kError, "register_refused", {{"worker", worker.id}, {"reason", std::string(orders.status().message())}});
    return orders.status();
  }
  probe.Registered();
  Log(LogLevel::kInfo, "registered",
      {{"worker", worker.id},
       {"address", worker.address},
       {"model", worker.model_id},
       {"numerics", worker.numerics_id},
       {"epoch", absl::StrCat(orders->epoch)}});
  const std::vector<std::string> mismatched = cluster.Mismatched();
  if (std::binary_search(mismatched.begin(), mismatched.end(), worker.id))
    Log(LogLevel::kWarning, "mismatched_worker", {{"worker", worker.id}});
  reply.set_epoch(orders->epoch);
  ToProto(orders->assigned, reply.mutable_assigned());
  reply.set_heartbeat_interval_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(kHeartbeatInterval)));
  return absl::OkStatus();
}

}  // namespace baleen
