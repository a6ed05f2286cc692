// What a process shows to the others of its cluster, and what it asks of them: mTLS with a role in every certificate, or plaintext.
#ifndef BALEEN_SERVICES_COMMON_CLUSTER_CREDENTIALS_H_
#define BALEEN_SERVICES_COMMON_CLUSTER_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>

#include <memory>

#include "absl/status/statusor.h"
#include "services/common/access_table.h"
#include "services/common/peer_role.h"
#include "services/common/pem_files.h"
#include "services/common/revocation_list.h"

namespace baleen {

// A cheap value, thread-safe; as long as one of its copies lives, revocations are followed. Under mTLS (1.2 or newer) both ends show a
// certificate of the cluster's authority, and each holds the other to its role: a server by its access table, a client by the role of the
// server that it means to reach. Host names are not compared, since workers are dialled at the addresses that placement announces, and
// those change; the role says who may answer there.
class ClusterCredentials {
 public:
  ClusterCredentials() = default;  // Plaintext.

  // mTLS. INVALID_ARGUMENT or NOT_FOUND names the file that is missing or wrong, or the certificate that lacks the role `own`. Files are
  // read again every kPemRefreshSeconds; connections that are open go on, but not with peers whose certificates have been revoked: no call
  // begins, and those under way end.
  static absl::StatusOr<ClusterCredentials> Mtls(const PemFiles& files, PeerRole own);

  bool encrypted() const { return files_ != nullptr; }

  // For channels to servers whose certificate has `role`: SeverableCredentials where there are revocation lists.
  std::shared_ptr<grpc::ChannelCredentials> ToRole(PeerRole role) const;
  // For channels to a server of another project, held to the name that is dialled.
  std::shared_ptr<grpc::ChannelCredentials> ToHost() const;
  // The same where other authorities, those of the file `ca`, vouch for the server; it is shown this process's certificate, if there is
  // one. INVALID_ARGUMENT or NOT_FOUND names the file.
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ToHost(const std::string& ca) const;
  // For a port whose methods are for those that `table` names; plaintext admits everybody. Null = plaintext.
  std::shared_ptr<grpc::ServerCredentials> Server(AccessTable table) const;
  // The authority's lists; null without. Server's credentials refuse new calls by them, CutRevokedCallers (revoked_callers.h) ends old
  // ones.
  std::shared_ptr<const RevocationList> revoked() const { return revocations_ == nullptr ? nullptr : revocations_->list(); }

 private:
  PemFiles paths_;
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> files_;
  std::shared_ptr<const RevocationFile> revocations_;  // Null without lists.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CLUSTER_CREDENTIALS_H_
