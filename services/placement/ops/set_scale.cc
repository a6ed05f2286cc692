#include "services/placement/ops/set_scale.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/log.h"

namespace baleen {

absl::Status HandleSetScale(Cluster& cluster, const v1::SetScaleRequest& request) {
  RETURN_IF_ERROR(cluster.SetWantedShards(request.expert_shards()));
  Log(LogLevel::kInfo, "scale_wanted", {{"expert_shards", absl::StrCat(request.expert_shards())}});
  return absl::OkStatus();
}

}  // namespace baleen
