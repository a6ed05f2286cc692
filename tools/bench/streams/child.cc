#include "tools/bench/streams/child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

// Fields of /proc/<pid>/stat behind the name, which may hold spaces; the first is the state.
std::vector<std::string> StatFields(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  std::istringstream rest(all.substr(std::min(all.size(), all.rfind(')') + 1)));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

int64_t Number(const std::vector<std::string>& fields, size_t at) { return at < fields.size() ? atoll(fields[at].c_str()) : 0; }

}  // namespace

Child::Child(const std::vector<std::string>& words) {
  if (access(words.at(0).c_str(), X_OK) != 0) {
    fprintf(stderr, "%s is not there\n", words[0].c_str());
    abort();
  }
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nowhere = open("/dev/null", O_RDWR);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  execv(arguments[0], arguments.data());
  _exit(127);
}

Child::~Child() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

double Child::CpuSeconds() const {
  const std::vector<std::string> fields = StatFields(pid_);
  return static_cast<double>(Number(fields, 11) + Number(fields, 12)) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

int64_t Child::ResidentBytes() const { return Number(StatFields(pid_), 21) * sysconf(_SC_PAGESIZE); }

bool Child::alive() const {
  const std::vector<std::string> fields = StatFields(pid_);
  return !fields.empty() && fields[0] != "Z";
}

int FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(socket);
  return bound ? ntohs(address.sin_port) : 0;
}

}  // namespace baleen
