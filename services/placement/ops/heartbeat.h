// The Heartbeat RPC: a worker's load, readiness and what it holds; answers what it is to hold.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_HEARTBEAT_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_HEARTBEAT_H_

#include <string>

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"
#include "services/placement/probe.h"

namespace baleen {

// `caller` is its certificate's SPIFFE ID, empty in plaintext; another caller's worker is not touched (PERMISSION_DENIED).
absl::Status HandleHeartbeat(Cluster& cluster, PlacementProbe& probe, const std::string& caller, const v1::HeartbeatRequest& request,
                             v1::HeartbeatReply& reply);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_HEARTBEAT_H_
