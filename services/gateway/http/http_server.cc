#include "services/gateway/http/http_server.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/gateway/http/http_session.h"

namespace baleen {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// What connections may take to hear that they are closed.
constexpr auto kStopTime = std::chrono::seconds(2);
// Behind an accept that failed: without a file descriptor left the next one fails as well, at once.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

}  // namespace

std::string HttpRequest::Header(const std::string& lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return "";
}

bool HttpRequest::Has(absl::string_view lower_case_name) const {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return header.first == lower_case_name; });
}

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(HttpServerOptions options_in, HttpHandler handler_in) : options(std::move(options_in)), handler(std::move(handler_in)) {}

  absl::Status Listen() {
    error_code error;
    const asio::ip::address address = asio::ip::make_address(options.bind, error);
    if (error) return absl::InvalidArgumentError(absl::StrCat("not an IP address to bind to: ", options.bind));
    const asio::ip::tcp::endpoint endpoint(address, static_cast<uint16_t>(options.port));
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return absl::UnavailableError(absl::StrCat("cannot listen on ", options.bind, ":", options.port, ": ", error.message()));
    port = acceptor.local_endpoint().port();
    return absl::OkStatus();
  }

  void Accept() {
    acceptor.async_accept([self = shared_from_this()](error_code error, asio::ip::tcp::socket socket) {
      if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
      if (error) return self->AcceptLater();
      self->Keep(StartHttpSession(self->io, std::move(socket), self->options, self->handler));
      self->Accept();
    });
  }

  void AcceptLater() {
    accept_pause.expires_after(kAcceptPause);
    accept_pause.async_wait([self = shared_from_this()](error_code error) {
      if (!error && self->acceptor.is_open()) self->Accept();
    });
  }

  void Forget() {
    std::erase_if(sessions, [](const auto& each) { return each.expired(); });
  }

  void Keep(std::weak_ptr<HttpSession> session) {
    if (sessions.size() >= look_through_at) {
      Forget();
      look_through_at = std::max<size_t>(2 * sessions.size(), 64);
    }
    sessions.push_back(std::move(session));
  }

  void StopAccepting() {
    error_code ignored;
    acceptor.close(ignored);
    accept_pause.cancel();
  }

  void Each(void (HttpSession::*what)()) {
    for (const auto& each : sessions) {
      if (const std::shared_ptr<HttpSession> session = each.lock()) (session.get()->*what)();
    }
  }

  void Close() {
    StopAccepting();
    Each(&HttpSession::Abort);
    sessions.clear();
    work.reset();
  }

  const HttpServerOptions options;
  const HttpHandler handler;
  const std::shared_ptr<asio::io_context> io = std::make_shared<asio::io_context>(1);
  asio::executor_work_guard<asio::io_context::executor_type> work{io->get_executor()};
  asio::ip::tcp::acceptor acceptor{*io};
  asio::steady_timer accept_pause{*io};
  int port = 0;
  // Of the thread once it runs.
  std::vector<std::weak_ptr<HttpSession>> sessions;
  size_t look_through_at = 64;
  std::promise<void> ended;
  std::thread thread;
};

HttpServer::HttpServer(HttpServerOptions options, HttpHandler handler)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(handler))) {}

HttpServer::~HttpServer() { Stop(); }

absl::Status HttpServer::Start() {
  if (absl::Status status = impl_->Listen(); !status.ok()) return status;
  impl_->Accept();
  impl_->thread = std::thread([impl = impl_.get()] {
    impl->io->run();
    impl->ended.set_value();
  });
  return absl::OkStatus();
}

int HttpServer::port() const { return impl_->port; }

void HttpServer::StopAccepting() {
  asio::post(*impl_->io, [impl = impl_] {
    impl->StopAccepting();
    impl->Each(&HttpSession::EndSoon);
  });
}

size_t HttpServer::connections() const {
  std::promise<size_t> open;
  asio::post(*impl_->io, [&] {
    impl_->Forget();
    open.set_value(impl_->sessions.size());
  });
  return open.get_future().get();
}

// Lets what is under way end rather than stop in the middle: what waits on `io` holds sessions, and they hold it.
void HttpServer::Stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(*impl_->io, [impl = impl_] { impl->Close(); });
  if (impl_->ended.get_future().wait_for(kStopTime) != std::future_status::ready) impl_->io->stop();
  impl_->thread.join();
}

}  // namespace baleen
