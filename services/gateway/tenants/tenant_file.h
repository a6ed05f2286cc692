// The tenants file: who may call, by which keys, and how much.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_FILE_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/gateway/tenants/api_key.h"
#include "services/gateway/tenants/rate_limiter.h"

namespace baleen {

struct KeyEntry {
  KeyDigest digest = {};
  std::string note;  // For people.
};

struct TenantEntry {
  std::string name;  // 1 to 64 of A-Z a-z 0-9 . _ -
  int priority = 0;
  TenantLimits limits;
  std::vector<KeyEntry> keys;
};

struct TenantFile {
  std::string cache_secret;  // 32 bytes; empty = the gateway draws one.
  std::vector<KeyEntry> admin_keys;
  std::vector<TenantEntry> tenants;
};

inline constexpr size_t kMaxTenants = 1024;
inline constexpr size_t kMaxKeys = 65536;
inline constexpr int kMaxTenantPriority = 100;

// JSON: {"cache_secret": 64 hex digits, "admin_keys": [as "keys"], "tenants": [{"name", "priority", "requests_per_min",
// "requests_burst", "tokens_per_min", "concurrent_streams", "keys": [{"sha256": 64 hex digits, "note"}]}]}. Of these "tenants", "name" and
// "sha256" are required; a limit that is absent is none. INVALID_ARGUMENT names the field that is wrong, unknown or there twice.
absl::StatusOr<TenantFile> ParseTenantFile(absl::string_view text);

// As above, of a file of at most 16 MiB; errors name `path` too.
absl::StatusOr<TenantFile> ReadTenantFile(const std::string& path);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_FILE_H_
