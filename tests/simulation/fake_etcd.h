// etcd as the election sees it: leases that end, keys that go with them, compare-and-swap.
#ifndef BALEEN_TESTS_SIMULATION_FAKE_ETCD_H_
#define BALEEN_TESTS_SIMULATION_FAKE_ETCD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "services/placement/etcd/etcd_store.h"

namespace baleen {

// What becomes of a call.
enum class EtcdReach {
  kAnswered,
  kUnanswered,  // It takes effect, but its answer is lost.
  kLost,
};

class FakeEtcd {
 public:
  explicit FakeEtcd(Clock* clock) : clock_(clock) {}

  // A client whose calls fare as `reach` says, each asked once.
  std::unique_ptr<EtcdStore> Client(std::function<EtcdReach()> reach);
  // The server was away for so long that, as etcd does, it gives every lease its whole time again.
  void Restart();

 private:
  class ClientImpl;
  struct Lease {
    absl::Duration ttl;
    absl::Time ends;
  };

  void EndLeases();

  Clock* const clock_;
  int64_t revision_ = 1;
  int64_t last_lease_ = 0;
  std::map<int64_t, Lease> leases_;
  std::map<std::string, EtcdValue> keys_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_FAKE_ETCD_H_
