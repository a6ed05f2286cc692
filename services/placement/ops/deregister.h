// The Deregister RPC: a worker leaves before it stops.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_DEREGISTER_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_DEREGISTER_H_

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"
#include "services/placement/probe.h"

namespace baleen {

absl::Status HandleDeregister(Cluster& cluster, PlacementProbe& probe, const v1::DeregisterRequest& request, v1::DeregisterReply& reply);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_DEREGISTER_H_
