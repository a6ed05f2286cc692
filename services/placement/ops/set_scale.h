// The SetScale RPC: how many expert shards there should be.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_SET_SCALE_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_SET_SCALE_H_

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"

namespace baleen {

absl::Status HandleSetScale(Cluster& cluster, const v1::SetScaleRequest& request);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_SET_SCALE_H_
