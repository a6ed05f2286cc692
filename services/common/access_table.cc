#include "services/common/access_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

bool Allows(const AccessTable& table, absl::string_view method, PeerRole role) {
  return std::any_of(table.begin(), table.end(), [&](const AccessRow& row) {
    return row.method == method && std::count(row.roles.begin(), row.roles.end(), role) > 0;
  });
}

}  // namespace

const AccessTable& CommonAccess() {
  static const AccessTable table = {
      {"/grpc.health.v1.Health/Check", {std::begin(kPeerRoles), std::end(kPeerRoles)}},
      {"/grpc.health.v1.Health/Watch", {std::begin(kPeerRoles), std::end(kPeerRoles)}},
      {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", {PeerRole::kOperator}},
  };
  return table;
}

absl::Status CheckAccess(const AccessTable& table, absl::string_view method, std::optional<PeerRole> role) {
  if (!role.has_value()) return absl::UnauthenticatedError("the certificate has no role: expected the URI spiffe://baleen/<role>/<id>");
  if (Allows(table, method, *role) || Allows(CommonAccess(), method, *role)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("role ", NameOf(*role), " may not call ", method));
}

}  // namespace baleen
