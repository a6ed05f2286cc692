#include "services/placement/ops/drain.h"

#include "base/status_macros.h"
#include "services/common/log.h"

namespace baleen {
namespace {

// No worker's: those have their role and digits in their ids.
constexpr char kThisPlacement[] = "placement";

}  // namespace

absl::Status HandleDrain(Cluster& cluster, const std::function<void()>& stop, const v1::DrainRequest& request) {
  if (request.worker_id() == kThisPlacement) {
    stop();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(cluster.Drain(request.worker_id()));
  Log(LogLevel::kInfo, "drain_wanted", {{"worker", request.worker_id()}});
  return absl::OkStatus();
}

}  // namespace baleen
