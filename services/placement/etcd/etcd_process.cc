#include "services/placement/etcd/etcd_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "services/common/log.h"
#include "services/placement/etcd/etcd_client.h"

namespace baleen {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(20);
constexpr absl::Duration kStartTimeout = absl::Seconds(20);

}  // namespace

int EtcdProcess::FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

EtcdProcess::EtcdProcess(int port) : address_(absl::StrCat("127.0.0.1:", port != 0 ? port : FreePort())) {
  const char* const root = getenv("TEST_TMPDIR");
  std::string directory = absl::StrCat(root == nullptr ? "/tmp" : root, "/etcd-XXXXXX");
  const std::string peer = absl::StrCat("http://127.0.0.1:", FreePort());
  if (mkdtemp(directory.data()) == nullptr) abort();
  std::vector<std::string> words{"/usr/bin/etcd",
                                 absl::StrCat("--data-dir=", directory),
                                 absl::StrCat("--listen-client-urls=http://", address_),
                                 absl::StrCat("--advertise-client-urls=http://", address_),
                                 absl::StrCat("--listen-peer-urls=", peer),
                                 absl::StrCat("--initial-advertise-peer-urls=", peer),
                                 absl::StrCat("--initial-cluster=default=", peer),
                                 "--log-level=error"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (posix_spawn(&pid_, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) abort();
  EtcdClient client(address_);
  const absl::Time until = Clock::Real()->Now() + kStartTimeout;
  while (!client.Get("health").ok()) {
    if (Clock::Real()->Now() > until) {
      Log(LogLevel::kError, "etcd_did_not_start", {{"address", address_}});
      abort();
    }
    absl::SleepFor(kPoll);
  }
}

EtcdProcess::~EtcdProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace baleen
