// Which roles may call which gRPC method of a process. What a table does not name is refused.
#ifndef BALEEN_SERVICES_COMMON_ACCESS_TABLE_H_
#define BALEEN_SERVICES_COMMON_ACCESS_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/common/peer_role.h"

namespace baleen {

struct AccessRow {
  std::string method;  // "/baleen.v1.Decode/Run"
  std::vector<PeerRole> roles;
};

using AccessTable = std::vector<AccessRow>;

// What every process serves beside its own methods: gRPC health for all roles, reflection for operators.
const AccessTable& CommonAccess();

// OK when `table` or CommonAccess lets `role` call `method`. UNAUTHENTICATED without a role, otherwise PERMISSION_DENIED with both names.
absl::Status CheckAccess(const AccessTable& table, absl::string_view method, std::optional<PeerRole> role);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_ACCESS_TABLE_H_
