// Waiting for SIGTERM and SIGINT as an ordinary event instead of a handler.
#ifndef BALEEN_SERVICES_COMMON_TERMINATION_H_
#define BALEEN_SERVICES_COMMON_TERMINATION_H_

namespace baleen {

// Construct before other threads start: it blocks both signals for this thread and those it starts. SIGPIPE is ignored.
// Thread-safe.
class Termination {
 public:
  Termination();
  ~Termination();
  Termination(const Termination&) = delete;
  Termination& operator=(const Termination&) = delete;

  // What the constructor does about the signals; idempotent. For a process that starts threads before it.
  static void BlockSignals();

  // Blocks until one of the signals arrives or Request is called; returns at once after either.
  void Wait();
  void Request();

 private:
  int signal_fd_;
  int request_fd_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TERMINATION_H_
