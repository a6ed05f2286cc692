// The WatchMap RPC: a stream of maps, newest first and then each newer one that the reader has time for.
#ifndef BALEEN_SERVICES_PLACEMENT_OPS_WATCH_MAP_H_
#define BALEEN_SERVICES_PLACEMENT_OPS_WATCH_MAP_H_

#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"

namespace baleen {

// Owned by gRPC until the stream ends. A slow reader skips maps: one is being written and at most one, the newest, waits.
grpc::ServerWriteReactor<v1::ClusterMap>* StartWatchMap(Cluster& cluster);
// Ends the stream with this status.
grpc::ServerWriteReactor<v1::ClusterMap>* RefuseWatchMap(const absl::Status& status);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OPS_WATCH_MAP_H_
