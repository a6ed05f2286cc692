// The Register RPC: a worker joins, or comes back after placement restarted.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_REGISTER_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_REGISTER_H_

#include <string>

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"
#include "services/placement/probe.h"

namespace baleen {

// `caller` is its certificate's SPIFFE ID, empty in plaintext; another caller's worker is not touched (PERMISSION_DENIED).
absl::Status HandleRegister(Cluster& cluster, PlacementProbe& probe, const std::string& caller, const v1::RegisterRequest& request,
                            v1::RegisterReply& reply);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_REGISTER_H_
