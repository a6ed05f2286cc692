#include "services/gateway/admin/admin_api.h"

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/exposure.h"
#include "services/gateway/admin/admin_json.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/http/origin_guard.h"
#include "services/gateway/tenants/usage_json.h"

namespace baleen {
namespace {

namespace json = boost::json;

void RespondJson(HttpResponder& responder, int status, const json::object& body) {
  responder.Respond(status, {{"content-type", "application/json"}}, json::serialize(body));
}

void Refuse(const absl::Status& status, HttpResponder& responder) {
  ApiError error = ToApiError(status);
  HttpHeaders headers = {{"content-type", "application/json"}};
  if (error.http_status == 401) headers.emplace_back("www-authenticate", "Bearer");
  responder.Respond(error.http_status, std::move(headers), std::move(error.body));
}

}  // namespace

struct AdminApi::Route {
  const char* method;
  const char* path;
  void (AdminApi::*handler)(const HttpRequest&, const ResponderPtr&);
};

absl::Span<const AdminApi::Route> AdminApi::RouteTable() {
  static constexpr Route kRoutes[] = {
      {"GET", "/admin/tenants", &AdminApi::Tenants}, {"POST", "/admin/tenants/reload", &AdminApi::Reload},
      {"GET", "/admin/usage", &AdminApi::Usage},     {"GET", "/admin/placement", &AdminApi::Placement},
      {"POST", "/admin/scale", &AdminApi::Scale},    {"POST", "/admin/drain", &AdminApi::Drain},
  };
  return kRoutes;
}

std::vector<std::string> AdminApi::Routes() {
  std::vector<std::string> routes;
  for (const Route& route : RouteTable()) routes.push_back(absl::StrCat(route.method, " ", route.path));
  return routes;
}

absl::Status AdminApi::Authorize(const HttpRequest& request) const {
  if (options_.tenants->closed()) return options_.tenants->AuthenticateAdmin(request.Header("authorization"));
  return CheckOrigin(request, OriginRules());
}

void AdminApi::Handle(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  if (const absl::Status status = Authorize(request); !status.ok()) return Refuse(status, *responder);
  for (const Route& route : RouteTable()) {
    if (request.path != route.path) continue;
    if (request.method == route.method) return (this->*route.handler)(request, responder);
    const ApiError error = ToApiError(absl::InvalidArgumentError(absl::StrCat(request.path, " takes ", route.method, ".")));
    return responder->Respond(405, {{"allow", route.method}, {"content-type", "application/json"}}, error.body);
  }
  Refuse(absl::NotFoundError("There is no such route in the admin API."), *responder);
}

void AdminApi::Tenants(const HttpRequest&, const ResponderPtr& responder) {
  json::array tenants;
  for (const TenantEntry& tenant : options_.tenants->Tenants()) tenants.push_back(TenantObject(tenant));
  RespondJson(*responder, 200, {{"tenants", std::move(tenants)}});
}

void AdminApi::Reload(const HttpRequest&, const ResponderPtr& responder) {
  if (const absl::Status status = options_.tenants->Reload(); !status.ok()) return Refuse(status, *responder);
  RespondJson(*responder, 200, {{"tenants", options_.tenants->Tenants().size()}});
}

void AdminApi::Usage(const HttpRequest&, const ResponderPtr& responder) {
  json::array usage;
  for (const auto& account : options_.tenants->Accounts()) usage.push_back(UsageObject(*account));
  RespondJson(*responder, 200, {{"usage", std::move(usage)}});
}

void AdminApi::Placement(const HttpRequest&, const ResponderPtr& responder) {
  const std::shared_ptr<const v1::ClusterMap> map = options_.map();
  if (map == nullptr) return Refuse(absl::UnavailableError("There is no map from placement yet."), *responder);
  options_.activity([map, responder](const absl::StatusOr<v1::Activity>& activity) {
    RespondJson(*responder, 200, PlacementObject(*map, activity.ok() ? std::optional(activity->wanted_shards()) : std::nullopt));
  });
}

void AdminApi::Scale(const HttpRequest& request, const ResponderPtr& responder) {
  const absl::StatusOr<uint32_t> shards = ReadScale(request.body.reveal());
  if (!shards.ok()) return Refuse(shards.status(), *responder);
  options_.scale(*shards, [shards = *shards, responder](const absl::Status& status) {
    if (!status.ok()) return Refuse(status, *responder);
    RespondJson(*responder, 202, {{"expert_shards", shards}});
  });
}

void AdminApi::Drain(const HttpRequest& request, const ResponderPtr& responder) {
  const absl::StatusOr<std::optional<std::string>> worker_id = ReadDrain(request.body.reveal());
  if (!worker_id.ok()) return Refuse(worker_id.status(), *responder);
  const auto answer = [responder](const absl::Status& status) {
    // Whom the cluster cannot spare: nothing is wrong with the request, and it will do once others are there.
    if (absl::IsFailedPrecondition(status)) return Refuse(absl::AlreadyExistsError(status.message()), *responder);
    if (!status.ok()) return Refuse(status, *responder);
    RespondJson(*responder, 202, {{"draining", true}});
  };
  if (worker_id->has_value()) return options_.drain_other(**worker_id, answer);
  options_.drain();
  answer(absl::OkStatus());
}

absl::Status CheckAdminBind(const std::string& bind, bool closed) {
  if (closed || IsLoopbackHost(bind)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--admin_bind=", bind, ": without --tenants the admin API may listen on loopback alone"));
}

}  // namespace baleen
