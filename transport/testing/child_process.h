// A process that a test starts, talks to and may kill.
#ifndef BALEEN_TRANSPORT_TESTING_CHILD_PROCESS_H_
#define BALEEN_TRANSPORT_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace baleen {

// Killed and waited for at the latest by the destructor; it also sees its standard input closed when this process dies. Aborts when it
// cannot be started.
class ChildProcess {
 public:
  explicit ChildProcess(const std::vector<std::string>& words);
  ChildProcess(const ChildProcess&) = delete;
  ~ChildProcess();

  // The next line that it writes, without the newline; what it wrote when it ends before one.
  std::string ReadLine();
  // SIGKILL, and waits.
  void Kill();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_TESTING_CHILD_PROCESS_H_
