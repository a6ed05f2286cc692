#include "services/common/cluster_credentials.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "services/common/revocable_credentials.h"

namespace baleen {
namespace {

namespace tls = grpc::experimental;

absl::string_view TextOf(grpc::string_ref text) { return {text.data(), text.size()}; }

// The chain has been verified when this is asked. Of one channel's server where there are lists; without, both of them are null.
class RoleVerifier final : public tls::ExternalCertificateVerifier {
 public:
  RoleVerifier(PeerRole expected, std::shared_ptr<const RevocationList> revoked, std::shared_ptr<DialledServer> server)
      : expected_(expected), revoked_(std::move(revoked)), server_(std::move(server)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>, grpc::Status* verdict) override {
    const std::vector<grpc::string_ref> uris = request->uri_names();
    const bool one = uris.size() == 1;
    if (server_ != nullptr) server_->Showed(TextOf(request->peer_cert()));
    if (!one || RoleOfSpiffeId(TextOf(uris[0])) != expected_) {
      *verdict = grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                              absl::StrCat("the server's certificate does not have the role ", NameOf(expected_)));
    } else if (revoked_ != nullptr && revoked_->Revoked(TextOf(request->peer_cert()))) {
      *verdict = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "the server's certificate has been revoked");
    }
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const PeerRole expected_;
  const std::shared_ptr<const RevocationList> revoked_;
  const std::shared_ptr<DialledServer> server_;
};

// Asked before each call reaches its method, raw and generated ones, health and reflection alike.
class AccessProcessor final : public grpc::AuthMetadataProcessor {
 public:
  AccessProcessor(AccessTable table, std::shared_ptr<const RevocationList> revoked)
      : table_(std::move(table)), revoked_(std::move(revoked)) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*, OutputMetadata*) override {
    const auto path = metadata.find(":path");
    const absl::string_view method = path == metadata.end() ? absl::string_view() : TextOf(path->second);
    if (Revoked(*context)) return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "this certificate has been revoked");
    const absl::Status status = CheckAccess(table_, method, RoleOfPeer(*context));
    return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message()));
  }

 private:
  bool Revoked(const grpc::AuthContext& context) const {
    if (revoked_ == nullptr) return false;
    const std::vector<grpc::string_ref> certificates = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    return certificates.size() != 1 || revoked_->Revoked(TextOf(certificates[0]));
  }

  const AccessTable table_;
  const std::shared_ptr<const RevocationList> revoked_;
};

tls::TlsChannelCredentialsOptions ChannelOptions(const std::shared_ptr<tls::CertificateProviderInterface>& files) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(files);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  return options;
}

absl::Status CheckRole(const std::string& path, PeerRole own) {
  ASSIGN_OR_RETURN(const std::vector<std::string> uris, UrisOfCertificate(path));
  if (uris.size() == 1 && RoleOfSpiffeId(uris[0]) == own) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected the one URI spiffe://baleen/", NameOf(own), "/<id>, found [", absl::StrJoin(uris, ", "), "]"));
}

}  // namespace

absl::StatusOr<ClusterCredentials> ClusterCredentials::Mtls(const PemFiles& files, PeerRole own) {
  RETURN_IF_ERROR(CheckPemFiles(files));
  RETURN_IF_ERROR(CheckRole(files.cert, own));
  ClusterCredentials credentials;
  if (!files.crl.empty()) {
    ASSIGN_OR_RETURN(credentials.revocations_, RevocationFile::Watch(files.crl, files.ca, absl::Seconds(kPemRefreshSeconds)));
  }
  credentials.paths_ = files;
  credentials.files_ = std::make_shared<tls::FileWatcherCertificateProvider>(files.key, files.cert, files.ca, kPemRefreshSeconds);
  return credentials;
}

std::shared_ptr<grpc::ChannelCredentials> ClusterCredentials::ToRole(PeerRole role) const {
  if (!encrypted()) return grpc::InsecureChannelCredentials();
  const auto make_tls = [files = files_, role, revoked = revoked()](std::shared_ptr<DialledServer> server) {
    tls::TlsChannelCredentialsOptions options = ChannelOptions(files);
    options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<RoleVerifier>(role, revoked, std::move(server)));
    options.set_check_call_host(false);
    return tls::TlsCredentials(options);
  };
  if (revoked() == nullptr) return make_tls(nullptr);
  return std::make_shared<RevocableCredentials>(revoked(), make_tls);
}

std::shared_ptr<grpc::ChannelCredentials> ClusterCredentials::ToHost() const {
  if (!encrypted()) return grpc::InsecureChannelCredentials();
  tls::TlsChannelCredentialsOptions options = ChannelOptions(files_);
  options.set_certificate_verifier(std::make_shared<tls::HostNameCertificateVerifier>());
  return tls::TlsCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClusterCredentials::ToHost(const std::string& ca) const {
  RETURN_IF_ERROR(CheckAuthorities(ca));
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(paths_.key, paths_.cert, ca, kPemRefreshSeconds));
  options.watch_root_certs();
  if (encrypted()) options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(std::make_shared<tls::HostNameCertificateVerifier>());
  return tls::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> ClusterCredentials::Server(AccessTable table) const {
  if (!encrypted()) return nullptr;
  tls::TlsServerCredentialsOptions options(files_);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = tls::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<AccessProcessor>(std::move(table), revoked()));
  return credentials;
}

}  // namespace baleen
