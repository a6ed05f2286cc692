#include "services/gateway/tenants/tenant_file.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/tokenizer/json_text.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"
#include "services/gateway/tenants/file_fields.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kMaxNameChars = 64;
constexpr size_t kMaxNoteBytes = 256;
constexpr size_t kMaxFileBytes = 16 << 20;
constexpr int64_t kMaxLimit = int64_t{1} << 40;

// Null when absent.
absl::StatusOr<const json::array*> ReadList(const json::object& object, absl::string_view name, size_t max) {
  const json::value* value = FindField(object, name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) return InvalidField(name, "must be a list.");
  if (value->as_array().size() > max) return InvalidField(name, absl::StrCat("may hold at most ", max, "."));
  return &value->as_array();
}

absl::StatusOr<KeyEntry> ReadKey(const json::value& value) {
  if (!value.is_object()) return absl::InvalidArgumentError("must be an object with 'sha256'.");
  const json::object& object = value.as_object();
  RETURN_IF_ERROR(CheckKnownFields(object, {"sha256", "note"}));
  ASSIGN_OR_RETURN(const auto hex, ReadString(object, "sha256"));
  if (!hex) return InvalidField("sha256", "is required.");
  KeyEntry entry;
  const absl::StatusOr<KeyDigest> digest = KeyDigestFromHex(*hex);
  if (!digest.ok()) return InvalidField("sha256", digest.status().message());
  entry.digest = *digest;
  ASSIGN_OR_RETURN(const auto note, ReadString(object, "note"));
  entry.note = note.value_or("");
  if (entry.note.size() > kMaxNoteBytes) return InvalidField("note", absl::StrCat("may have at most ", kMaxNoteBytes, " bytes."));
  return entry;
}

absl::StatusOr<std::vector<KeyEntry>> ReadKeys(const json::object& object, absl::string_view name) {
  std::vector<KeyEntry> keys;
  ASSIGN_OR_RETURN(const json::array* list, ReadList(object, name, kMaxKeys));
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    absl::StatusOr<KeyEntry> key = ReadKey((*list)[i]);
    if (!key.ok()) return Located(absl::StrCat(name, "[", i, "]"), key.status());
    keys.push_back(*std::move(key));
  }
  return keys;
}

bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameChars && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

absl::StatusOr<int64_t> ReadLimit(const json::object& object, const char* name) {
  ASSIGN_OR_RETURN(const auto limit, ReadInteger(object, name, 1, kMaxLimit));
  return limit.value_or(0);
}

absl::StatusOr<TenantEntry> ReadTenant(const json::value& value) {
  if (!value.is_object()) return absl::InvalidArgumentError("must be an object.");
  const json::object& object = value.as_object();
  RETURN_IF_ERROR(
      CheckKnownFields(object, {"name", "priority", "requests_per_min", "requests_burst", "tokens_per_min", "concurrent_streams", "keys"}));
  TenantEntry tenant;
  ASSIGN_OR_RETURN(const auto name, ReadString(object, "name"));
  if (!name || !IsName(*name)) return InvalidField("name", absl::StrCat("must be 1 to ", kMaxNameChars, " of A-Z a-z 0-9 . _ -"));
  tenant.name = *name;
  ASSIGN_OR_RETURN(const auto priority, ReadInteger(object, "priority", -kMaxTenantPriority, kMaxTenantPriority));
  tenant.priority = static_cast<int>(priority.value_or(0));
  ASSIGN_OR_RETURN(tenant.limits.requests_per_min, ReadLimit(object, "requests_per_min"));
  ASSIGN_OR_RETURN(tenant.limits.requests_burst, ReadLimit(object, "requests_burst"));
  if (tenant.limits.requests_burst > tenant.limits.requests_per_min)
    return InvalidField("requests_burst", "may not be more than 'requests_per_min'.");
  ASSIGN_OR_RETURN(tenant.limits.tokens_per_min, ReadLimit(object, "tokens_per_min"));
  ASSIGN_OR_RETURN(tenant.limits.concurrent_streams, ReadLimit(object, "concurrent_streams"));
  ASSIGN_OR_RETURN(tenant.keys, ReadKeys(object, "keys"));
  return tenant;
}

absl::StatusOr<std::string> ReadSecret(const json::object& object) {
  ASSIGN_OR_RETURN(const auto hex, ReadString(object, "cache_secret"));
  if (!hex) return std::string();
  const absl::StatusOr<KeyDigest> secret = KeyDigestFromHex(*hex);
  if (!secret.ok()) return InvalidField("cache_secret", secret.status().message());
  return std::string(secret->begin(), secret->end());
}

// No name twice, and no key.
absl::Status CheckDistinct(const TenantFile& file) {
  std::set<absl::string_view> names;
  KeyRing ring;
  for (size_t k = 0; k < file.admin_keys.size(); ++k) {
    if (absl::Status status = ring.Add(file.admin_keys[k].digest, 0); !status.ok())
      return Located(absl::StrCat("admin_keys[", k, "]"), InvalidField("sha256", status.message()));
  }
  for (size_t i = 0; i < file.tenants.size(); ++i) {
    const TenantEntry& tenant = file.tenants[i];
    const std::string where = absl::StrCat("tenants[", i, "]");
    if (!names.insert(tenant.name).second) return Located(where, InvalidField("name", absl::StrCat(tenant.name, " is there twice.")));
    for (size_t k = 0; k < tenant.keys.size(); ++k) {
      if (absl::Status status = ring.Add(tenant.keys[k].digest, i); !status.ok())
        return Located(absl::StrCat(where, ".keys[", k, "]"), InvalidField("sha256", status.message()));
    }
  }
  if (ring.size() > kMaxKeys) return absl::InvalidArgumentError(absl::StrCat("there may be at most ", kMaxKeys, " keys."));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TenantFile> ParseTenantFile(absl::string_view text) {
  ASSIGN_OR_RETURN(const json::object object, ParseFile(text));
  RETURN_IF_ERROR(CheckKnownFields(object, {"cache_secret", "admin_keys", "tenants"}));
  TenantFile file;
  ASSIGN_OR_RETURN(file.cache_secret, ReadSecret(object));
  ASSIGN_OR_RETURN(file.admin_keys, ReadKeys(object, "admin_keys"));
  ASSIGN_OR_RETURN(const json::array* tenants, ReadList(object, "tenants", kMaxTenants));
  if (tenants == nullptr) return InvalidField("tenants", "is required.");
  for (size_t i = 0; i < tenants->size(); ++i) {
    absl::StatusOr<TenantEntry> tenant = ReadTenant((*tenants)[i]);
    if (!tenant.ok()) return Located(absl::StrCat("tenants[", i, "]"), tenant.status());
    file.tenants.push_back(*std::move(tenant));
  }
  RETURN_IF_ERROR(CheckDistinct(file));
  return file;
}

absl::StatusOr<TenantFile> ReadTenantFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kMaxFileBytes));
  absl::StatusOr<TenantFile> file = ParseTenantFile(text);
  if (!file.ok()) return Located(path, file.status());
  return file;
}

}  // namespace baleen
