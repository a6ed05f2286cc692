// The GetActivity RPC: what every worker last said of its work.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_GET_ACTIVITY_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_GET_ACTIVITY_H_

#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"

namespace baleen {

void HandleGetActivity(const Cluster& cluster, v1::Activity& reply);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_GET_ACTIVITY_H_
