// A process that runs out of file descriptors, and what its threads compute meanwhile.
#ifndef BALEEN_SERVICES_COMMON_TESTING_LAST_DESCRIPTOR_H_
#define BALEEN_SERVICES_COMMON_TESTING_LAST_DESCRIPTOR_H_

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <future>

#include "absl/time/time.h"

namespace baleen {

// While it lives, the process may open one more file descriptor and no other.
class LastDescriptor {
 public:
  LastDescriptor() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest = dup(STDOUT_FILENO);
    close(lowest);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(lowest) + 1;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~LastDescriptor() { setrlimit(RLIMIT_NOFILE, &before_); }
  LastDescriptor(const LastDescriptor&) = delete;
  LastDescriptor& operator=(const LastDescriptor&) = delete;

 private:
  rlimit before_ = {};
};

// Of all threads while this one waits for half a second.
inline absl::Duration CpuTimeMeanwhile() {
  const auto so_far = [] {
    rusage used = {};
    getrusage(RUSAGE_SELF, &used);
    return absl::DurationFromTimeval(used.ru_utime) + absl::DurationFromTimeval(used.ru_stime);
  };
  const absl::Duration before = so_far();
  std::promise<void> nothing;
  nothing.get_future().wait_for(std::chrono::milliseconds(500));
  return so_far() - before;
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TESTING_LAST_DESCRIPTOR_H_
