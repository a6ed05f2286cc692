// The gRPC face of placement: hands each call to its op.
#ifndef BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVICE_H_
#define BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVICE_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "proto/baleen/v1/placement.grpc.pb.h"
#include "services/placement/cluster.h"
#include "services/placement/probe.h"

namespace baleen {

// Thread-safe. `cluster` and `probe` must outlive it.
class PlacementService : public v1::Placement::CallbackService {
 public:
  using StoreFunction = std::function<void(std::function<void(const absl::Status&)> done)>;

  // `serves` is asked at each call; while it is not OK every call gets its status. `store` has `done` called once what the cluster was told
  // outlives this process. `stop` drains this process and returns at once.
  PlacementService(Cluster& cluster, PlacementProbe& probe, std::function<absl::Status()> serves, StoreFunction store,
                   std::function<void()> stop)
      : cluster_(cluster), probe_(probe), serves_(std::move(serves)), store_(std::move(store)), stop_(std::move(stop)) {}

  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context, const v1::RegisterRequest* request,
                                     v1::RegisterReply* reply) override;
  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext* context, const v1::HeartbeatRequest* request,
                                      v1::HeartbeatReply* reply) override;
  grpc::ServerUnaryReactor* Deregister(grpc::CallbackServerContext* context, const v1::DeregisterRequest* request,
                                       v1::DeregisterReply* reply) override;
  grpc::ServerUnaryReactor* GetActivity(grpc::CallbackServerContext* context, const v1::GetActivityRequest* request,
                                        v1::Activity* reply) override;
  grpc::ServerUnaryReactor* SetScale(grpc::CallbackServerContext* context, const v1::SetScaleRequest* request,
                                     v1::SetScaleReply* reply) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const v1::DrainRequest* request, v1::DrainReply* reply) override;
  grpc::ServerWriteReactor<v1::ClusterMap>* WatchMap(grpc::CallbackServerContext* context, const v1::WatchMapRequest* request) override;

 private:
  Cluster& cluster_;
  PlacementProbe& probe_;
  const std::function<absl::Status()> serves_;
  const StoreFunction store_;
  const std::function<void()> stop_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVICE_H_
