#include "services/placement/placement_service.h"

#include <grpcpp/security/auth_context.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/common/peer_role.h"
#include "services/placement/ops/deregister.h"
#include "services/placement/ops/drain.h"
#include "services/placement/ops/get_activity.h"
#include "services/placement/ops/heartbeat.h"
#include "services/placement/ops/register.h"
#include "services/placement/ops/set_scale.h"
#include "services/placement/ops/watch_map.h"

namespace baleen {
namespace {

void Finish(grpc::ServerUnaryReactor* reactor, const absl::Status& status) {
  // Both enumerations number the canonical codes alike.
  reactor->Finish(grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())));
}

grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Finish(reactor, status);
  return reactor;
}

// nullopt for what no worker is; the op refuses it.
std::optional<PeerRole> ToPeerRole(v1::Role role) {
  switch (role) {
    case v1::ROLE_GATEWAY:
      return PeerRole::kGateway;
    case v1::ROLE_PREFILL:
    case v1::ROLE_DECODE:
    case v1::ROLE_PREFILL_AND_DECODE:
      return PeerRole::kAttention;
    case v1::ROLE_EXPERT:
      return PeerRole::kExpert;
    default:
      return std::nullopt;
  }
}

// Under mTLS nobody enters the map as something that its certificate does not make it.
absl::Status CheckRole(const grpc::CallbackServerContext& context, v1::Role claimed) {
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  if (!peer->IsPeerAuthenticated()) return absl::OkStatus();
  const std::optional<PeerRole> role = RoleOfPeer(*peer);
  const std::optional<PeerRole> needed = ToPeerRole(claimed);
  if (!needed || role == needed) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("a certificate of role ", role ? NameOf(*role) : "none", " may not register a ", v1::Role_Name(claimed)));
}

}  // namespace

grpc::ServerUnaryReactor* PlacementService::Register(grpc::CallbackServerContext* context, const v1::RegisterRequest* request,
                                                     v1::RegisterReply* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  if (const absl::Status role = CheckRole(*context, request->worker().role()); !role.ok()) return Answer(context, role);
  return Answer(context, HandleRegister(cluster_, probe_, SpiffeIdOfPeer(*context->auth_context()), *request, *reply));
}

grpc::ServerUnaryReactor* PlacementService::Heartbeat(grpc::CallbackServerContext* context, const v1::HeartbeatRequest* request,
                                                      v1::HeartbeatReply* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  return Answer(context, HandleHeartbeat(cluster_, probe_, SpiffeIdOfPeer(*context->auth_context()), *request, *reply));
}

grpc::ServerUnaryReactor* PlacementService::Deregister(grpc::CallbackServerContext* context, const v1::DeregisterRequest* request,
                                                       v1::DeregisterReply* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  return Answer(context, HandleDeregister(cluster_, probe_, SpiffeIdOfPeer(*context->auth_context()), *request, *reply));
}

grpc::ServerUnaryReactor* PlacementService::GetActivity(grpc::CallbackServerContext* context, const v1::GetActivityRequest* request,
                                                        v1::Activity* reply) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  HandleGetActivity(cluster_, *reply);
  return Answer(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* PlacementService::SetScale(grpc::CallbackServerContext* context, const v1::SetScaleRequest* request,
                                                     v1::SetScaleReply*) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  if (const absl::Status noted = HandleSetScale(cluster_, *request); !noted.ok()) return Answer(context, noted);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  store_([reactor](const absl::Status& stored) { Finish(reactor, stored); });
  return reactor;
}

grpc::ServerUnaryReactor* PlacementService::Drain(grpc::CallbackServerContext* context, const v1::DrainRequest* request, v1::DrainReply*) {
  if (const absl::Status serves = serves_(); !serves.ok()) return Answer(context, serves);
  return Answer(context, HandleDrain(cluster_, stop_, *request));
}

grpc::ServerWriteReactor<v1::ClusterMap>* PlacementService::WatchMap(grpc::CallbackServerContext* context,
                                                                     const v1::WatchMapRequest* request) {
  if (const absl::Status serves = serves_(); !serves.ok()) return RefuseWatchMap(serves);
  return StartWatchMap(cluster_);
}

}  // namespace baleen
