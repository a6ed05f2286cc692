#include "tests/silence/quiet_relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace baleen {
namespace {

constexpr int kTickMs = 2;
constexpr size_t kMaxUnderWay = 1 << 20;  // Bytes, each way.

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

void MakeReady(int fd) {
  const int on = 1;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

QuietRelay::QuietRelay(int target_port, absl::Duration delay)
    : target_port_(target_port), delay_(delay), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  const bool listens = bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener_.get(), 16) == 0 &&
                       getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!listens) abort();
  MakeReady(listener_.get());
  address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  thread_ = std::thread([this] { Run(); });
}

QuietRelay::~QuietRelay() {
  stop_ = true;
  thread_.join();
}

void QuietRelay::Run() {
  while (!stop_) {
    poll(nullptr, 0, kTickMs);
    if (quiet_) continue;
    Accept();
    links_.remove_if([this](Link& link) { return !Pass(link.up) || !Pass(link.down); });
  }
}

void QuietRelay::Accept() {
  const int client = accept(listener_.get(), nullptr, nullptr);
  if (client < 0) return;
  links_.emplace_back(client, socket(AF_INET, SOCK_STREAM, 0));
  const int server = links_.back().server.get();
  const sockaddr_in target = Loopback(target_port_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&target), sizeof(target)) != 0) return links_.pop_back();
  MakeReady(client);
  MakeReady(server);
}

bool QuietRelay::Pass(Direction& direction) const {
  std::array<char, 65536> buffer;
  const absl::Time now = absl::Now();
  if (direction.bytes < kMaxUnderWay) {
    const ssize_t got = recv(direction.from, buffer.data(), buffer.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
    if (got > 0) direction.under_way.emplace_back(now + delay_, std::string(buffer.data(), static_cast<size_t>(got)));
    if (got > 0) direction.bytes += static_cast<size_t>(got);
  }
  while (!direction.under_way.empty() && direction.under_way.front().first <= now) {
    std::string& piece = direction.under_way.front().second;
    const ssize_t sent = send(direction.to, piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    direction.bytes -= static_cast<size_t>(sent);
    piece.erase(0, static_cast<size_t>(sent));
    if (!piece.empty()) return true;
    direction.under_way.pop_front();
  }
  return true;
}

}  // namespace baleen
