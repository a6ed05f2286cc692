#include "services/common/peer_role.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

#include <vector>

#include "absl/strings/str_split.h"

namespace baleen {
namespace {

constexpr absl::string_view kPrefix = "spiffe://baleen/";

}  // namespace

absl::string_view NameOf(PeerRole role) {
  switch (role) {
    case PeerRole::kGateway:
      return "gateway";
    case PeerRole::kAttention:
      return "attention";
    case PeerRole::kExpert:
      return "expert";
    case PeerRole::kPlacement:
      return "placement";
    case PeerRole::kOperator:
      return "operator";
  }
  return "unknown";
}

std::optional<PeerRole> RoleOfSpiffeId(absl::string_view uri) {
  if (uri.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  const std::vector<absl::string_view> parts = absl::StrSplit(uri.substr(kPrefix.size()), '/');
  if (parts.size() != 2 || parts[1].empty()) return std::nullopt;
  for (const PeerRole role : kPeerRoles) {
    if (parts[0] == NameOf(role)) return role;
  }
  return std::nullopt;
}

std::string SpiffeIdOfPeer(const grpc::AuthContext& context) {
  const std::vector<grpc::string_ref> ids = context.FindPropertyValues(GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
  return ids.size() == 1 ? std::string(ids[0].data(), ids[0].size()) : std::string();
}

std::optional<PeerRole> RoleOfPeer(const grpc::AuthContext& context) { return RoleOfSpiffeId(SpiffeIdOfPeer(context)); }

}  // namespace baleen
