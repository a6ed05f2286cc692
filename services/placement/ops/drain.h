// The Drain RPC: has a worker, or this placement, hand over its work and end.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_DRAIN_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_DRAIN_H_

#include <functional>

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"

namespace baleen {

// `stop` drains this process, for the id "placement"; it returns at once. Errors are ClusterState::Drain's.
absl::Status HandleDrain(Cluster& cluster, const std::function<void()>& stop, const v1::DrainRequest& request);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_DRAIN_H_
