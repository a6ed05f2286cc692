// A TCP relay that can fall silent, as a host does that stands still or was cut off.
#ifndef BALEEN_TESTS_SILENCE_QUIET_RELAY_H_
#define BALEEN_TESTS_SILENCE_QUIET_RELAY_H_

#include <atomic>
#include <deque>
#include <list>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "base/file_descriptor.h"

namespace baleen {

// Listens on a free loopback port and passes connections on to another one. Thread-safe.
class QuietRelay {
 public:
  // Each piece passes `delay` after it came.
  QuietRelay(int target_port, absl::Duration delay);
  ~QuietRelay();

  const std::string& address() const { return address_; }
  // From now on nothing passes, either way, and nothing is closed.
  void Hush() { quiet_ = true; }

 private:
  struct Direction {
    int from;
    int to;
    std::deque<std::pair<absl::Time, std::string>> under_way;
    size_t bytes = 0;
  };
  // Both directions of one connection.
  struct Link {
    Link(int client_fd, int server_fd)
        : client(client_fd), server(server_fd), up{client_fd, server_fd, {}}, down{server_fd, client_fd, {}} {}
    const FileDescriptor client;
    const FileDescriptor server;
    Direction up;
    Direction down;
  };

  void Run();
  void Accept();
  // False when an end closed.
  bool Pass(Direction& direction) const;

  const int target_port_;
  const absl::Duration delay_;
  FileDescriptor listener_;
  std::string address_;
  std::atomic<bool> quiet_{false};
  std::atomic<bool> stop_{false};
  std::list<Link> links_;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SILENCE_QUIET_RELAY_H_
