// Hints that a key of etcd's has changed.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_WATCH_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_WATCH_H_

#include <grpcpp/security/credentials.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace baleen {

// Nothing may depend on a hint: one is missed while no stream is open, and one may come without a change. Thread-safe.
class EtcdWatch {
 public:
  // `addresses` and `credentials` as EtcdClient's. `changed` is called on gRPC's threads, one at a time, until the destructor is done; it
  // must not wait for this watch. Nothing is opened before Renew.
  EtcdWatch(const std::string& addresses, std::shared_ptr<grpc::ChannelCredentials> credentials, std::string key,
            std::function<void()> changed);
  ~EtcdWatch();

  // Opens the stream where none is open, at the next member each time. Returns at once; to be called now and then.
  void Renew();

 private:
  class Stream;
  struct Member;

  const std::string key_;
  const std::function<void()> changed_;
  std::vector<Member> members_;
  std::mutex mutex_;  // Guards what follows.
  size_t next_ = 0;
  std::shared_ptr<Stream> stream_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_WATCH_H_
