// What leader election asks of etcd.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_STORE_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_STORE_H_

#include <cstdint>
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

// Thread-safe. Every call takes a bounded time; after an error nobody knows whether a write took place.
class EtcdStore {
 public:
  virtual ~EtcdStore() = default;
  virtual absl::StatusOr<EtcdLease> Grant(absl::Duration ttl) = 0;
  // The time to live from when etcd took the call; NOT_FOUND when the lease has ended.
  virtual absl::StatusOr<absl::Duration> KeepAlive(int64_t lease) = 0;
  virtual absl::Status Revoke(int64_t lease) = 0;
  virtual absl::StatusOr<EtcdValue> Get(const std::string& key) = 0;
  // The revision of the write; nullopt when something was not as expected.
  virtual absl::StatusOr<std::optional<int64_t>> PutIf(const EtcdPut& put) = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_STORE_H_
