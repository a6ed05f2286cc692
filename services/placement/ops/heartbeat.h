// The Heartbeat RPC: a worker's load, readiness and what it holds; answers what it is to hold.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_HEARTBEAT_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_HEARTBEAT_H_

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"
#include "services/placement/probe.h"

namespace baleen {

absl::Status HandleHeartbeat(Cluster& cluster, PlacementProbe& probe, const v1::HeartbeatRequest& request, v1::HeartbeatReply& reply);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_HEARTBEAT_H_
