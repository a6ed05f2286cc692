// What a process is to the others of its cluster, as its certificate says.
#ifndef BALEEN_SERVICES_COMMON_PEER_ROLE_H_
#define BALEEN_SERVICES_COMMON_PEER_ROLE_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace grpc {
class AuthContext;
}

namespace baleen {

// kAttention is prefill and decode; kOperator is a person or tool that looks at the cluster from outside of it.
enum class PeerRole { kGateway, kAttention, kExpert, kPlacement, kOperator };

inline constexpr PeerRole kPeerRoles[] = {PeerRole::kGateway, PeerRole::kAttention, PeerRole::kExpert, PeerRole::kPlacement,
                                          PeerRole::kOperator};

// "gateway", "attention", "expert", "placement" or "operator".
absl::string_view NameOf(PeerRole role);

// The role in a SPIFFE ID spiffe://baleen/<role>/<id>; nullopt for anything else, without an <id> too.
std::optional<PeerRole> RoleOfSpiffeId(absl::string_view uri);

// The SPIFFE ID in the certificate of the peer of a gRPC connection. Empty without mTLS, or when it has none or several URIs.
std::string SpiffeIdOfPeer(const grpc::AuthContext& context);

// The role of the peer of a gRPC connection. nullopt without mTLS, or when its certificate has no SPIFFE ID of a role or several URIs.
std::optional<PeerRole> RoleOfPeer(const grpc::AuthContext& context);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_PEER_ROLE_H_
