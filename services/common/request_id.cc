#include "services/common/request_id.h"

#include <sys/random.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace baleen {
namespace {

constexpr size_t kIdBytes = 16;

}  // namespace

std::string NewRequestId() {
  std::string id(kIdBytes, '\0');
  // Up to 256 bytes come whole once the kernel's pool is seeded; anything else is a broken machine.
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(kIdBytes)) std::abort();
  return id;
}

std::string RequestIdToHex(absl::string_view id) { return absl::BytesToHexString(id); }

absl::StatusOr<std::string> RequestIdFromHex(absl::string_view hex) {
  if (hex.size() != 2 * kIdBytes) return absl::InvalidArgumentError("request id: expected 32 hex digits");
  for (char c : hex) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return absl::InvalidArgumentError("request id: expected hex digits only");
  }
  return absl::HexStringToBytes(hex);
}

}  // namespace baleen
