// Errors as API clients see them: OpenAI's shape, a sentence that helps, nothing internal.
#ifndef BALEEN_SERVICES_GATEWAY_API_API_ERROR_H_
#define BALEEN_SERVICES_GATEWAY_API_API_ERROR_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace baleen {

// INVALID_ARGUMENT that names the request's field.
absl::Status InvalidField(absl::string_view field, absl::string_view message);

// The status, with when to come back.
absl::Status WithRetryAfter(absl::Status status, absl::Duration retry_after);

// The status, with a `code` of its own in the error's body.
absl::Status WithErrorCode(absl::Status status, absl::string_view code);

// Even percent-encoded and told twice it fits into the metadata of a gRPC status, of which clients take 8 KiB.
inline constexpr size_t kMaxErrorMessageBytes = 1024;

struct ApiError {
  int http_status = 500;
  // Seconds for Retry-After; 0 = none.
  int retry_after_s = 0;
  // The body's. At most kMaxErrorMessageBytes: what quotes more of a request is cut in its middle.
  std::string message;
  std::string code;  // Empty = null.
  // {"error": {"message", "type", "param", "code"}}
  std::string body;
};

// Client errors keep their message; INTERNAL and UNKNOWN become an opaque one.
ApiError ToApiError(const absl::Status& status);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_API_ERROR_H_
