#include "services/placement/placement_service.h"

#include <string>

#include "services/placement/ops/deregister.h"
#include "services/placement/ops/get_activity.h"
#include "services/placement/ops/heartbeat.h"
#include "services/placement/ops/register.h"
#include "services/placement/ops/watch_map.h"

namespace baleen {
namespace {

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  // Both enumerations number the canonical codes alike.
  reactor->Finish(grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())));
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* PlacementService::Register(grpc::CallbackServerContext* context, const v1::RegisterRequest* request,
                                                     v1::RegisterReply* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  return Answer(context, HandleRegister(cluster_, probe_, *request, *reply));
}

grpc::ServerUnaryReactor* PlacementService::Heartbeat(grpc::CallbackServerContext* context, const v1::HeartbeatRequest* request,
                                                      v1::HeartbeatReply* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  return Answer(context, HandleHeartbeat(cluster_, probe_, *request, *reply));
}

grpc::ServerUnaryReactor* PlacementService::Deregister(grpc::CallbackServerContext* context, const v1::DeregisterRequest* request,
                                                       v1::DeregisterReply* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  return Answer(context, HandleDeregister(cluster_, probe_, *request, *reply));
}

grpc::ServerUnaryReactor* PlacementService::GetActivity(grpc::CallbackServerContext* context, const v1::GetActivityRequest* request,
                                                        v1::Activity* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  HandleGetActivity(cluster_, *reply);
  return Answer(context, absl::OkStatus());
}

grpc::ServerWriteReactor<v1::ClusterMap>* PlacementService::WatchMap(grpc::CallbackServerContext* context,
                                                                     const v1::WatchMapRequest* request) {
  if (const absl::Status serves = serves_(); !serves.ok()) return RefuseWatchMap(serves);
  return StartWatchMap(cluster_);
}

}  // namespace baleen
