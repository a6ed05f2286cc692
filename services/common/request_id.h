// Request ids: 128 random bits, 16 raw bytes on the wire, 32 hex digits for people.
#ifndef BALEEN_SERVICES_COMMON_REQUEST_ID_H_
#define BALEEN_SERVICES_COMMON_REQUEST_ID_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// 16 bytes from the kernel's random source: ids are not guessable.
std::string NewRequestId();
// Lower-case hex of the bytes.
std::string RequestIdToHex(absl::string_view id);
// INVALID_ARGUMENT unless it is 32 hex digits of either case.
absl::StatusOr<std::string> RequestIdFromHex(absl::string_view hex);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_REQUEST_ID_H_
