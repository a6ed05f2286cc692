#include "services/gateway/web/web_page.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "services/gateway/web/web_files.h"

namespace baleen {
namespace {

constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const WebFile* Find(absl::string_view name) {
  for (size_t i = 0; i < kWebFileCount; ++i) {
    if (kWebFiles[i].name == name) return &kWebFiles[i];
  }
  return nullptr;
}

const char* TypeOf(absl::string_view name) {
  if (absl::EndsWith(name, ".html")) return "text/html; charset=utf-8";
  if (absl::EndsWith(name, ".css")) return "text/css; charset=utf-8";
  if (absl::EndsWith(name, ".js")) return "text/javascript; charset=utf-8";
  return "image/svg+xml";
}

}  // namespace

bool RespondWebFile(absl::string_view name, const HttpRequest& request, HttpResponder& responder) {
  const WebFile* file = Find(name);
  if (file == nullptr) return false;
  HttpHeaders headers{{"etag", std::string(file->etag)},    {"cache-control", "no-cache"},
                      {"content-security-policy", kPolicy}, {"x-content-type-options", "nosniff"},
                      {"referrer-policy", "no-referrer"},   {"cross-origin-opener-policy", "same-origin"}};
  if (absl::StrContains(request.Header("if-none-match"), file->etag)) {
    responder.Respond(304, std::move(headers), "");
    return true;
  }
  headers.emplace_back("content-type", TypeOf(name));
  responder.Respond(200, std::move(headers), std::string(file->content));
  return true;
}

}  // namespace baleen
