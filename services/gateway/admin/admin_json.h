// What the admin API shows, as JSON.
#ifndef BALEEN_SERVICES_GATEWAY_ADMIN_ADMIN_JSON_H_
#define BALEEN_SERVICES_GATEWAY_ADMIN_ADMIN_JSON_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/gateway/tenants/tenant_directory.h"

namespace baleen {

// Name, priority, limits (null = none) and of each key its note and the first 8 hex digits of its digest.
boost::json::object TenantObject(const TenantEntry& tenant);

// {"epoch", "scale": {role: {"workers", "ready"}}, "workers": [...]}: of each worker what it is, its load, and how many experts it holds.
// Expert shards have "wanted" too, null when unknown.
boost::json::object PlacementObject(const v1::ClusterMap& map, std::optional<uint32_t> wanted_shards);

// The number of shards that {"expert_shards": N} asks for; INVALID_ARGUMENT says what is wrong.
absl::StatusOr<uint32_t> ReadScale(absl::string_view body);

// Whom to drain: the ID of {"worker": ID}, or nullopt = this gateway (an empty body or {}). INVALID_ARGUMENT says what is wrong; other
// fields are.
absl::StatusOr<std::optional<std::string>> ReadDrain(absl::string_view body);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMIN_ADMIN_JSON_H_
