#include "services/gateway/api/api_error.h"

#include <boost/json.hpp>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

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
  const absl::string_view message = absl::string_view(error_class.code != nullptr ? error_class.code : "") == "internal_error"
                                        ? absl::string_view("The server failed to answer; the request may be sent again.")
                                        : absl::string_view(status.message());
  boost::json::object error;
  error["message"] = std::string(message);
  error["type"] = error_class.type;
  const auto field = status.GetPayload(kFieldPayload);
  error["param"] = field.has_value() ? boost::json::value(std::string(*field)) : boost::json::value(nullptr);
  error["code"] = error_class.code != nullptr ? boost::json::value(error_class.code) : boost::json::value(nullptr);
  if (const auto code = status.GetPayload(kCodePayload); code.has_value()) error["code"] = std::string(*code);
  return {error_class.http_status, RetryAfter(status, error_class.retry_after_s),
          boost::json::serialize(boost::json::object{{"error", error}})};
}

}  // namespace baleen
