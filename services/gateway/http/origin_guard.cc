#include "services/gateway/http/origin_guard.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/exposure.h"

namespace baleen {
namespace {

constexpr char kReadableHeaders[] =
    "retry-after, x-request-id, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens";
constexpr char kPreflightSeconds[] = "600";

// "host:port" of "https://host:port"; empty for what is no origin, as "null".
absl::string_view AuthorityOf(absl::string_view origin) {
  if (!absl::ConsumePrefix(&origin, "https://") && !absl::ConsumePrefix(&origin, "http://")) return "";
  return origin;
}

bool IsOrigin(absl::string_view text) {
  const absl::string_view authority = AuthorityOf(text);
  return !authority.empty() && std::all_of(authority.begin(), authority.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && !absl::StrContains("/?#@*\\", absl::string_view(&c, 1));
  });
}

bool IsHostOfAllowed(absl::string_view host, const OriginRules& rules) {
  return std::any_of(rules.allowed.begin(), rules.allowed.end(),
                     [host](const std::string& origin) { return absl::EqualsIgnoreCase(AuthorityOf(origin), host); });
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseOrigins(absl::string_view list) {
  std::vector<std::string> origins;
  for (const absl::string_view origin : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    if (!IsOrigin(origin)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--allowed_origins: '", origin, "' is no origin: one is http(s)://HOST or http(s)://HOST:PORT"));
    }
    origins.push_back(absl::AsciiStrToLower(origin));
  }
  return origins;
}

absl::Status CheckOrigin(const HttpRequest& request, const OriginRules& rules) {
  const std::string host = request.Header("host");
  if (rules.loopback_hosts && !IsLoopbackHost(absl::AsciiStrToLower(HostWithoutPort(host))) && !IsHostOfAllowed(host, rules)) {
    return absl::PermissionDeniedError("Without keys this address answers to loopback names alone, and the request's Host is none.");
  }
  const std::string origin = request.Header("origin");
  if (origin.empty() || !AllowedOrigin(request, rules).empty()) return absl::OkStatus();
  if (rules.own_pages && IsOrigin(origin) && absl::EqualsIgnoreCase(AuthorityOf(origin), host)) return absl::OkStatus();
  return absl::PermissionDeniedError("Without keys this API is not for pages of other origins in browsers.");
}

std::string AllowedOrigin(const HttpRequest& request, const OriginRules& rules) {
  if (rules.allowed.empty()) return "";
  std::string origin = request.Header("origin");
  return std::find(rules.allowed.begin(), rules.allowed.end(), origin) == rules.allowed.end() ? "" : std::move(origin);
}

bool IsPreflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.Header("access-control-request-method").empty();
}

void AddSharingHeaders(const std::string& origin, HttpHeaders* headers) {
  headers->emplace_back("access-control-allow-origin", origin);
  headers->emplace_back("access-control-expose-headers", kReadableHeaders);
  headers->emplace_back("vary", "Origin");
}

void RespondPreflight(const HttpRequest& request, const std::string& origin, HttpResponder& responder) {
  HttpHeaders headers = {{"access-control-allow-origin", origin},
                         {"access-control-allow-methods", "GET, HEAD, POST"},
                         {"access-control-max-age", kPreflightSeconds},
                         {"vary", "Origin, Access-Control-Request-Headers"}};
  // Clients send headers of their own kind, none of which means harm.
  std::string asked = request.Header("access-control-request-headers");
  if (!asked.empty()) headers.emplace_back("access-control-allow-headers", std::move(asked));
  responder.Respond(204, std::move(headers), "");
}

}  // namespace baleen
