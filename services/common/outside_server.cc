#include "services/common/outside_server.h"

#include "base/status_macros.h"
#include "services/common/exposure.h"

namespace baleen {

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> OutsideCredentials(const OutsideServer& server, const ClusterCredentials& own,
                                                                             bool allow_plaintext) {
  if (!server.ca.empty()) return own.ToHost(server.ca);
  RETURN_IF_ERROR(CheckPlaintextPeer(server.flag, server.address, server.ca_flag, allow_plaintext));
  return grpc::InsecureChannelCredentials();
}

}  // namespace baleen
