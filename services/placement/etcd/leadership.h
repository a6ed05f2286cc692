// Which of several placements leads: an election, stepped by a thread of its own.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/placement/etcd/election.h"
#include "services/placement/etcd/etcd_client.h"
#include "services/placement/etcd/etcd_watch.h"

namespace baleen {

// Thread-safe; events come from its own thread.
class Leadership {
 public:
  // Often enough for any lease of a second and more.
  static constexpr absl::Duration kPeriod = absl::Milliseconds(250);

  // `etcd` and `credentials` as EtcdClient's. Looks at etcd each `period`, and at once when etcd says that the leader has changed.
  Leadership(const std::string& etcd, ElectionOptions options, ElectionEvents events,
             std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr, absl::Duration period = kPeriod);
  ~Leadership();  // Gives the lease back.

  // As Election's.
  absl::Status Leads() const { return election_.Leads(); }
  absl::Status Ready() const { return election_.Ready(); }
  // Stores what has changed now rather than at the next look. `done` is called once, on any thread: OK when it is in etcd; otherwise nobody
  // knows whether it will be.
  void Store(std::function<void(const absl::Status&)> done);

 private:
  void Run();
  void Hint();

  const absl::Duration period_;
  EtcdClient etcd_;
  Election election_;
  std::mutex mutex_;  // Guards what follows, up to watch_.
  std::condition_variable wake_;
  std::vector<std::function<void(const absl::Status&)>> stores_;  // Of calls under way.
  bool stop_ = false;
  bool hinted_ = false;  // Since the last step began.
  EtcdWatch watch_;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_
