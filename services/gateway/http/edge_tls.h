// TLS towards clients: one certificate for REST and gRPC, read again when its files change.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_EDGE_TLS_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_EDGE_TLS_H_

#include <grpcpp/security/server_credentials.h>

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "services/common/pem_files.h"

namespace baleen {

// TLS 1.2 or newer; clients show no certificate, keys are for who they are. Thread-safe.
class EdgeTls {
 public:
  // `files.ca` is not used. INVALID_ARGUMENT or NOT_FOUND names the file that is missing or wrong.
  static absl::StatusOr<std::shared_ptr<EdgeTls>> Load(const PemFiles& files, Clock* clock);

  // For a new connection. Looks at the files at most every kPemRefreshSeconds; what is wrong with new ones is logged, and the old go on.
  std::shared_ptr<boost::asio::ssl::context> Context();
  std::shared_ptr<grpc::ServerCredentials> Grpc() const;

 private:
  // As read, to see whether they have changed.
  struct Pem {
    std::string cert;
    std::string key;
    bool operator==(const Pem&) const = default;
  };

  EdgeTls(PemFiles files, Clock* clock) : files_(std::move(files)), clock_(clock) {}
  absl::StatusOr<Pem> Read() const;
  absl::Status Refresh();

  const PemFiles files_;
  Clock* const clock_;
  std::mutex mutex_;  // Guards what follows.
  Pem pem_;
  absl::Time read_at_ = absl::InfinitePast();
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_EDGE_TLS_H_
