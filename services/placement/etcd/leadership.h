// Which of several placements leads: an election, stepped by a thread of its own.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "services/placement/etcd/election.h"
#include "services/placement/etcd/etcd_client.h"

namespace baleen {

// Thread-safe; events come from its own thread.
class Leadership {
 public:
  // `etcd` and `credentials` as EtcdClient's.
  Leadership(const std::string& etcd, ElectionOptions options, ElectionEvents events,
             std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr);
  ~Leadership();  // Gives the lease back.

  // As Election's.
  absl::Status Leads() const { return election_.Leads(); }
  absl::Status Ready() const { return election_.Ready(); }

 private:
  void Run();

  EtcdClient etcd_;
  Election election_;
  std::mutex mutex_;  // Guards stop_.
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_LEADERSHIP_H_
