// Servers that are no part of the cluster: a guard, a receiver of traces.
#ifndef BALEEN_SERVICES_COMMON_OUTSIDE_SERVER_H_
#define BALEEN_SERVICES_COMMON_OUTSIDE_SERVER_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/common/cluster_credentials.h"

namespace baleen {

// One as the command line gives it.
struct OutsideServer {
  std::string flag;     // "--guardrail"
  std::string address;  // host:port
  std::string ca_flag;  // "--guardrail_ca"
  std::string ca;       // Its authorities, a PEM file; empty = it is reached without TLS.
};

// TLS, the server held to its authorities and its name and shown `own`'s certificate; without `ca`, plaintext where CheckPlaintextPeer
// (exposure.h) lets it be. INVALID_ARGUMENT or NOT_FOUND names flag or file.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> OutsideCredentials(const OutsideServer& server, const ClusterCredentials& own,
                                                                             bool allow_plaintext);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_OUTSIDE_SERVER_H_
