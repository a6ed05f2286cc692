// The few calls of etcd's v3 API that leader election and compare-and-swap need.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CLIENT_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CLIENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace baleen {

// Revisions are 0 where there is no such key.
struct EtcdValue {
  std::string value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  int64_t lease = 0;
};

struct EtcdLease {
  int64_t id = 0;
  absl::Duration ttl;  // As granted; etcd may give more than was asked for.
};

// A write that takes place only if the key, and the guard where there is one, are as expected.
struct EtcdPut {
  std::string key;
  int64_t expected_mod_revision = 0;  // 0 = there is no such key.
  std::string value;
  int64_t lease = 0;  // 0 = none.
  std::string guard_key;
  int64_t guard_create_revision = 0;
};

// Thread-safe. Every call takes at most one second; errors name the call. Without TLS.
class EtcdClient {
 public:
  explicit EtcdClient(const std::string& address);  // host:port
  ~EtcdClient();

  absl::StatusOr<EtcdLease> Grant(absl::Duration ttl);
  // The time to live from when etcd took the call; NOT_FOUND when the lease has ended.
  absl::StatusOr<absl::Duration> KeepAlive(int64_t lease);
  absl::Status Revoke(int64_t lease);
  absl::StatusOr<EtcdValue> Get(const std::string& key);
  // The revision of the write; nullopt when something was not as expected.
  absl::StatusOr<std::optional<int64_t>> PutIf(const EtcdPut& put);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CLIENT_H_
