// Pages in browsers: they reach whatever their reader's machine reaches, so where no key protects an API their origin has to.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_ORIGIN_GUARD_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_ORIGIN_GUARD_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/gateway/http/http_server.h"

namespace baleen {

struct OriginRules {
  // Pages of this server, those whose Origin is the request's Host, may use it.
  bool own_pages = false;
  // The Host must be a loopback one: any other name that leads here may be an attacker's, whose DNS answers with a loopback address.
  bool loopback_hosts = true;
  // As browsers send them: "https://chat.example". Their pages may use it, and their hosts are names of this server.
  std::vector<std::string> allowed = {};
};

// Of the list "https://a.example,http://b.example:8080". INVALID_ARGUMENT names what is no origin.
absl::StatusOr<std::vector<std::string>> ParseOrigins(absl::string_view list);

// For an API that asks for no key. PERMISSION_DENIED says who may use it.
absl::Status CheckOrigin(const HttpRequest& request, const OriginRules& rules);

// The request's Origin where that is an allowed one; else empty.
std::string AllowedOrigin(const HttpRequest& request, const OriginRules& rules);

// Whether a browser asks if a page may send a request (the Fetch standard's CORS-preflight).
bool IsPreflight(const HttpRequest& request);

// Lets pages of `origin` read an answer.
void AddSharingHeaders(const std::string& origin, HttpHeaders* headers);

// Yes to a preflight, whatever headers it asks for.
void RespondPreflight(const HttpRequest& request, const std::string& origin, HttpResponder& responder);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_ORIGIN_GUARD_H_
