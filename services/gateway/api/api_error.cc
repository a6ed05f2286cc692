#include "services/gateway/api/api_error.h"

#include <boost/json.hpp>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "model/tokenizer/utf8.h"

namespace baleen {
namespace {

constexpr char kFieldPayload[] = "baleen.v1/field";
constexpr char kRetryAfterPayload[] = "baleen.v1/retry-after-s";
constexpr char kCodePayload[] = "baleen.v1/code";

struct ErrorClass {
  int http_status;
  const char* type;
  const char* code;
  int retry_after_s = 0;
};

ErrorClass Classify(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kFailedPrecondition:
      return {400, "invalid_request_error", nullptr};
    case absl::StatusCode::kUnauthenticated:
      return {401, "invalid_request_error", "invalid_api_key"};
    case absl::StatusCode::kPermissionDenied:
      return {403, "invalid_request_error", "permission_denied"};
    case absl::StatusCode::kNotFound:
      return {404, "invalid_request_error", "not_found"};
    case absl::StatusCode::kResourceExhausted:
      return {429, "rate_limit_error", "rate_limit_exceeded", 1};
    case absl::StatusCode::kUnavailable:
      return {503, "server_error", "service_unavailable", 1};
    case absl::StatusCode::kDeadlineExceeded:
      return {504, "server_error", "timeout"};
    case absl::StatusCode::kAlreadyExists:
      return {409, "invalid_request_error", "conflict"};
    case absl::StatusCode::kAborted:
      return {409, "invalid_request_error", "request_moved"};
    case absl::StatusCode::kDataLoss:
      return {500, "server_error", "request_quarantined"};
    default:
      return {500, "server_error", "internal_error"};
  }
}

int RetryAfter(const absl::Status& status, int usual) {
  const auto payload = status.GetPayload(kRetryAfterPayload);
  int seconds = 0;
  return payload.has_value() && absl::SimpleAtoi(std::string(*payload), &seconds) ? seconds : usual;
}

// Without its middle where it is long: sentences begin with what is wrong and end with what would be right.
std::string Shortened(absl::string_view message) {
  constexpr absl::string_view kEllipsis = "…";
  if (message.size() <= kMaxErrorMessageBytes) return std::string(message);
  size_t head = kMaxErrorMessageBytes / 2;
  while (head > 0 && ContinuesUtf8(message[head])) --head;
  size_t tail = message.size() - (kMaxErrorMessageBytes - kEllipsis.size() - head);
  while (tail < message.size() && ContinuesUtf8(message[tail])) ++tail;
  return absl::StrCat(message.substr(0, head), kEllipsis, message.substr(tail));
}

}  // namespace

absl::Status WithRetryAfter(absl::Status status, absl::Duration retry_after) {
  status.SetPayload(kRetryAfterPayload, absl::Cord(absl::StrCat(absl::ToInt64Seconds(retry_after))));
  return status;
}

absl::Status WithErrorCode(absl::Status status, absl::string_view code) {
  status.SetPayload(kCodePayload, absl::Cord(code));
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(absl::StrCat("'", field, "' ", message));
  status.SetPayload(kFieldPayload, absl::Cord(field));
  return status;
}

ApiError ToApiError(const absl::Status& status) {
  const ErrorClass error_class = Classify(status.code());
  ApiError result;
  result.http_status = error_class.http_status;
  result.retry_after_s = RetryAfter(status, error_class.retry_after_s);
  if (error_class.code != nullptr) result.code = error_class.code;
  const bool internal = result.code == "internal_error";
  result.message = internal ? "The server failed to answer; the request may be sent again." : Shortened(status.message());
  if (const auto code = status.GetPayload(kCodePayload); code.has_value()) result.code = std::string(*code);
  const auto field = status.GetPayload(kFieldPayload);
  boost::json::object error;
  error["message"] = result.message;
  error["type"] = error_class.type;
  error["param"] = field.has_value() ? boost::json::value(std::string(*field)) : boost::json::value(nullptr);
  error["code"] = result.code.empty() ? boost::json::value(nullptr) : boost::json::value(result.code);
  result.body = boost::json::serialize(boost::json::object{{"error", error}});
  return result;
}

}  // namespace baleen
