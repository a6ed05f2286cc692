#include "services/gateway/http/edge_tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/log.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

absl::StatusOr<std::shared_ptr<ssl::context>> MakeContext(const PemFiles& files, const std::string& cert, const std::string& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  boost::system::error_code error;
  context->use_certificate_chain(asio::buffer(cert), error);
  if (error) return absl::InvalidArgumentError(absl::StrCat(files.cert, ": ", error.message()));
  context->use_private_key(asio::buffer(key), ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(files.key, ": not the key of ", files.cert));
  }
  return context;
}

}  // namespace

absl::StatusOr<std::shared_ptr<EdgeTls>> EdgeTls::Load(const PemFiles& files, Clock* clock) {
  const PemFiles own{.ca = "", .cert = files.cert, .key = files.key};
  RETURN_IF_ERROR(CheckPemFiles(own));
  std::shared_ptr<EdgeTls> edge(new EdgeTls(own, clock));
  RETURN_IF_ERROR(edge->Refresh());
  return edge;
}

absl::StatusOr<EdgeTls::Pem> EdgeTls::Read() const {
  Pem pem;
  ASSIGN_OR_RETURN(pem.cert, ReadPem(files_.cert));
  ASSIGN_OR_RETURN(pem.key, ReadPem(files_.key));
  return pem;
}

absl::Status EdgeTls::Refresh() {
  read_at_ = clock_->Now();
  ASSIGN_OR_RETURN(Pem pem, Read());
  if (pem == pem_) return absl::OkStatus();
  ASSIGN_OR_RETURN(context_, MakeContext(files_, pem.cert, pem.key));
  pem_ = std::move(pem);
  return absl::OkStatus();
}

std::shared_ptr<ssl::context> EdgeTls::Context() {
  const std::lock_guard lock(mutex_);
  if (clock_->Now() - read_at_ >= absl::Seconds(kPemRefreshSeconds)) {
    if (const absl::Status status = Refresh(); !status.ok()) {
      Log(LogLevel::kWarning, "edge_certificate_not_renewed", {{"reason", std::string(status.message())}});
    }
  }
  return context_;
}

std::shared_ptr<grpc::ServerCredentials> EdgeTls::Grpc() const {
  namespace tls = grpc::experimental;
  tls::TlsServerCredentialsOptions options(
      std::make_shared<tls::FileWatcherCertificateProvider>(files_.key, files_.cert, kPemRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return tls::TlsServerCredentials(options);
}

}  // namespace baleen
