#include "services/common/metrics_server.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr auto kTimeout = std::chrono::seconds(5);
// Behind an accept that failed: without a file descriptor left the next one fails as well, at once.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr int kMaxConnections = 64;
constexpr uint32_t kMaxHeaderBytes = 8192;

using Response = http::response<http::string_body>;

Response Answer(const HttpPages& pages, http::verb method, std::string path) {
  if (const size_t query = path.find('?'); query != std::string::npos) path.resize(query);
  const auto it = pages.find(path);
  HttpPage page;
  if (method != http::verb::get && method != http::verb::head) {
    page = {405, page.content_type, "only GET and HEAD\n"};
  } else if (it == pages.end()) {
    page = {404, page.content_type, "no such page\n"};
  } else {
    page = it->second();
  }
  Response response;
  response.result(static_cast<unsigned>(page.status));
  response.set(http::field::content_type, page.content_type);
  response.content_length(page.body.size());
  if (method != http::verb::head) response.body() = std::move(page.body);
  return response;
}

// One connection; keeps itself alive by the handlers that it has pending.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const HttpPages& pages, std::atomic<int>& open) : stream_(std::move(socket)), pages_(pages), open_(open) {
    ++open_;
  }
  ~Session() { --open_; }

  void Read() {
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    stream_.expires_after(kTimeout);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, size_t) {
      if (!error) self->Write();
    });
  }

 private:
  void Write() {
    const auto& request = parser_->get();
    response_ = Answer(pages_, request.method(), std::string(request.target()));
    response_.version(request.version());
    response_.keep_alive(request.keep_alive());
    stream_.expires_after(kTimeout);
    serializer_.emplace(response_);
    auto next = [self = shared_from_this()](beast::error_code error, size_t) {
      if (!error && self->response_.keep_alive()) self->Read();
    };
    // A HEAD's answer announces a length and sends no body.
    if (request.method() == http::verb::head) {
      http::async_write_header(stream_, *serializer_, std::move(next));
    } else {
      http::async_write(stream_, *serializer_, std::move(next));
    }
  }

  beast::tcp_stream stream_;
  const HttpPages& pages_;
  std::atomic<int>& open_;
  beast::flat_buffer buffer_{kMaxHeaderBytes * 2};
  std::optional<http::request_parser<http::empty_body>> parser_;
  Response response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
};

absl::Status BindError(const std::string& bind, int port, const beast::error_code& error) {
  return absl::UnavailableError(absl::StrCat("cannot serve HTTP on ", bind, ":", port, ": ", error.message()));
}

}  // namespace

struct MetricsServer::Impl {
  explicit Impl(HttpPages served) : pages(std::move(served)) {}

  void Accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return AcceptLater();
      // Past the bound a new connection is closed at once: its client sees that and may retry.
      if (open < kMaxConnections) std::make_shared<Session>(std::move(socket), pages, open)->Read();
      Accept();
    });
  }

  void AcceptLater() {
    accept_pause.expires_after(kAcceptPause);
    accept_pause.async_wait([this](beast::error_code error) {
      if (!error) Accept();
    });
  }

  absl::Status Bind(const std::string& bind, int port) {
    beast::error_code error;
    const auto address = asio::ip::make_address(bind, error);
    if (error) return BindError(bind, port, error);
    const tcp::endpoint endpoint(address, static_cast<uint16_t>(port));
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(kMaxConnections, error);
    if (error) return BindError(bind, port, error);
    bound_port = acceptor.local_endpoint(error).port();
    return absl::OkStatus();
  }

  HttpPages pages;
  std::atomic<int> open{0};
  int bound_port = 0;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer accept_pause{io};
  std::thread thread;
};

MetricsServer::MetricsServer(HttpPages pages) : impl_(std::make_unique<Impl>(std::move(pages))) {}

MetricsServer::~MetricsServer() { Stop(); }

absl::Status MetricsServer::Start(const std::string& bind, int port) {
  if (port < 0 || port > 65535) return absl::InvalidArgumentError(absl::StrCat("HTTP port ", port, " is outside 0..65535"));
  if (absl::Status status = impl_->Bind(bind, port); !status.ok()) return status;
  impl_->Accept();
  impl_->thread = std::thread([impl = impl_.get()] { impl->io.run(); });
  return absl::OkStatus();
}

int MetricsServer::port() const { return impl_->bound_port; }

void MetricsServer::Stop() {
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace baleen
