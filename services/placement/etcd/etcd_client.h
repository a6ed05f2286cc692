// The few calls of etcd's v3 API that leader election and compare-and-swap need.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CLIENT_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CLIENT_H_

#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/placement/etcd/etcd_store.h"

namespace baleen {

// Thread-safe. Every call takes at most one second; errors name the call.
class EtcdClient final : public EtcdStore {
 public:
  // host:port of one member or, parted by commas, of several, of which one that does not answer is left for the next. Null credentials =
  // plaintext.
  explicit EtcdClient(const std::string& addresses, std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr);
  ~EtcdClient() override;

  absl::StatusOr<EtcdLease> Grant(absl::Duration ttl) override;
  absl::StatusOr<absl::Duration> KeepAlive(int64_t lease) override;
  absl::Status Revoke(int64_t lease) override;
  absl::StatusOr<EtcdValue> Get(const std::string& key) override;
  absl::StatusOr<std::optional<int64_t>> PutIf(const EtcdPut& put) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CLIENT_H_
