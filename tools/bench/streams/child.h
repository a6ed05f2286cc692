// A process under measurement: started, watched, ended.
#ifndef BALEEN_TOOLS_BENCH_STREAMS_CHILD_H_
#define BALEEN_TOOLS_BENCH_STREAMS_CHILD_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace baleen {

// Killed with its owner.
class Child {
 public:
  // `words` are the command; its output goes to /dev/null unless it fails to start. Aborts when there is no such file.
  explicit Child(const std::vector<std::string>& words);
  ~Child();

  // Seconds of processor time so far, its own and the kernel's for it.
  double CpuSeconds() const;
  int64_t ResidentBytes() const;
  bool alive() const;

 private:
  pid_t pid_ = 0;
};

// A TCP port of loopback that was free a moment ago.
int FreePort();

}  // namespace baleen

#endif  // BALEEN_TOOLS_BENCH_STREAMS_CHILD_H_
