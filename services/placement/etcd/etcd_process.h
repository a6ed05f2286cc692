// A real etcd for tests.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_PROCESS_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_PROCESS_H_

#include <sys/types.h>

#include <string>

namespace baleen {

// Debian's etcd on loopback, its data in the test's own directory; killed by the destructor. Aborts when it does not start.
class EtcdProcess {
 public:
  // At this loopback port; 0 = a free one.
  explicit EtcdProcess(int port = 0);
  ~EtcdProcess();
  // A port that was free a moment ago.
  static int FreePort();
  EtcdProcess(const EtcdProcess&) = delete;
  EtcdProcess& operator=(const EtcdProcess&) = delete;

  const std::string& address() const { return address_; }

 private:
  std::string address_;
  pid_t pid_ = -1;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_PROCESS_H_
