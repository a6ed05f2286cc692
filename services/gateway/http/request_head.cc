#include "services/gateway/http/request_head.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/percent_decode.h"
#include "model/tokenizer/utf8.h"

namespace baleen {
namespace {

namespace http = boost::beast::http;

constexpr unsigned kHttp11 = 11;

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

// A request's target: the path as sent, without query.
struct Target {
  std::optional<absl::string_view> authority;  // Of the absolute form.
  absl::string_view path;
};

Target TargetOf(const RequestHead& head) {
  Target target{std::nullopt, View(head.target())};
  for (const absl::string_view scheme : {"http://", "https://"}) {
    if (!absl::StartsWithIgnoreCase(target.path, scheme)) continue;
    const absl::string_view rest = target.path.substr(scheme.size());
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    target = {rest.substr(0, end), rest.substr(end)};
    break;
  }
  target.path = target.path.substr(0, target.path.find('?'));
  if (target.path.empty()) target.path = "/";
  return target;
}

// Nothing when an escape is none, or what it makes is no UTF-8.
std::optional<std::string> DecodedPath(absl::string_view path) {
  std::optional<std::string> decoded = PercentDecode(path);
  return decoded && ValidUtf8Prefix(*decoded) == decoded->size() ? decoded : std::nullopt;
}

// Whether there is one field of that name, and says just that.
bool OnlySays(const RequestHead& head, http::field name, const char* value) {
  return head.count(name) == 1 && absl::EqualsIgnoreCase(View(head[name]), value);
}

std::optional<HeadRefusal> CheckFields(const RequestHead& head) {
  const size_t hosts = head.count(http::field::host);
  if (hosts > 1) return HeadRefusal{400, "The request has more than one Host."};
  if (hosts == 0 && head.version() >= kHttp11) return HeadRefusal{400, "The request has no Host, which HTTP/1.1 asks for."};
  if (head.count(http::field::transfer_encoding) > 0 && !OnlySays(head, http::field::transfer_encoding, "chunked")) {
    return HeadRefusal{501, "The request's Transfer-Encoding is not known here: only chunked is."};
  }
  if (WaitsForContinue(head) && !OnlySays(head, http::field::expect, "100-continue")) {
    return HeadRefusal{417, "The request's Expect is not known here: only 100-continue is."};
  }
  return std::nullopt;
}

}  // namespace

std::variant<HttpRequest, HeadRefusal> ReadHead(const RequestHead& head) {
  if (std::optional<HeadRefusal> refusal = CheckFields(head)) return *std::move(refusal);
  const Target target = TargetOf(head);
  std::optional<std::string> path = DecodedPath(target.path);
  if (!path) return HeadRefusal{400, "The path's percent-encoding is wrong: an escape is % and two hexadecimal digits, and all is UTF-8."};
  HttpRequest request;
  request.method = std::string(head.method_string());
  request.path = *std::move(path);
  if (target.authority) request.headers.emplace_back("host", *target.authority);
  for (const auto& field : head) {
    if (target.authority && field.name() == http::field::host) continue;
    request.headers.emplace_back(absl::AsciiStrToLower(View(field.name_string())), std::string(field.value()));
  }
  return request;
}

bool WaitsForContinue(const RequestHead& head) { return head.version() >= kHttp11 && head.count(http::field::expect) > 0; }

}  // namespace baleen
