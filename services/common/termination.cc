#include "services/common/termination.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace baleen {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void Termination::BlockSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Termination::Termination() {
  BlockSignals();
  const sigset_t set = StopSignals();
  signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  request_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (signal_fd_ < 0 || request_fd_ < 0) std::abort();  // A process without two free descriptors cannot serve.
}

Termination::~Termination() {
  ::close(signal_fd_);
  ::close(request_fd_);
}

void Termination::Wait() {
  pollfd fds[2] = {{signal_fd_, POLLIN, 0}, {request_fd_, POLLIN, 0}};
  while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  Request();  // The request stays readable: later waits return at once, whichever event came first.
}

void Termination::Request() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(request_fd_, &one, sizeof(one));
}

}  // namespace baleen
