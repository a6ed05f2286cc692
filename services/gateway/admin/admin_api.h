// The operator's API, on a listener of its own: tenants and what they used, the cluster's map and scale, drain.
#ifndef BALEEN_SERVICES_GATEWAY_ADMIN_ADMIN_API_H_
#define BALEEN_SERVICES_GATEWAY_ADMIN_ADMIN_API_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/tenants/tenant_directory.h"

namespace baleen {

struct AdminApiOptions {
  TenantDirectory* tenants = nullptr;  // Unowned, required.
  // The newest map; null before the first.
  std::function<std::shared_ptr<const v1::ClusterMap>()> map;
  // Lets this gateway's requests end, then ends the process, as SIGTERM does; returns at once.
  std::function<void()> drain;
  // Has another process drain: the worker of this id, or the placement that leads for "placement"; called back once, on any thread.
  // FAILED_PRECONDITION: the cluster cannot spare it.
  std::function<void(const std::string& worker_id, std::function<void(absl::Status)>)> drain_other;
  // What placement knows of the work; called back once, on any thread.
  std::function<void(std::function<void(absl::StatusOr<v1::Activity>)>)> activity;
  // Has placement want so many expert shards; called back once, on any thread.
  std::function<void(uint32_t expert_shards, std::function<void(absl::Status)>)> scale;
};

// Thread-safe. With a tenants file every route asks for one of its admin keys; a tenant's key is none. Without one it trusts whoever
// reaches it, but for browsers: a request with an Origin, or to a host that is no loopback name, gets 403, so that no page a person visits
// can reach it.
class AdminApi {
 public:
  explicit AdminApi(AdminApiOptions options) : options_(std::move(options)) {}
  void Handle(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  // "METHOD /path" of each, for tests.
  static std::vector<std::string> Routes();

 private:
  using ResponderPtr = std::shared_ptr<HttpResponder>;
  struct Route;
  static absl::Span<const Route> RouteTable();
  absl::Status Authorize(const HttpRequest& request) const;
  void Tenants(const HttpRequest& request, const ResponderPtr& responder);
  void Reload(const HttpRequest& request, const ResponderPtr& responder);
  void Usage(const HttpRequest& request, const ResponderPtr& responder);
  void Placement(const HttpRequest& request, const ResponderPtr& responder);
  void Scale(const HttpRequest& request, const ResponderPtr& responder);
  void Drain(const HttpRequest& request, const ResponderPtr& responder);

  const AdminApiOptions options_;
};

// OK for addresses that only this machine reaches; INVALID_ARGUMENT for others unless `closed`: without keys the admin API stays here.
absl::Status CheckAdminBind(const std::string& bind, bool closed);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMIN_ADMIN_API_H_
