#include "services/gateway/http/edge_stream.h"

#include <boost/beast/ssl.hpp>
#include <optional>

namespace baleen {

namespace asio = boost::asio;
using boost::beast::tcp_stream;
using boost::system::error_code;
using SecureStream = boost::beast::ssl_stream<tcp_stream>;

struct EdgeStream::Connection {
  TlsContext tls;
  std::optional<tcp_stream> plain;
  std::optional<SecureStream> secure;  // The other of the two.
};

EdgeStream::EdgeStream(asio::ip::tcp::socket socket, TlsContext tls, std::chrono::seconds write_timeout)
    : write_timeout_(write_timeout), connection_(std::make_unique<Connection>()) {
  connection_->tls = std::move(tls);
  if (connection_->tls == nullptr) {
    connection_->plain.emplace(std::move(socket));
  } else {
    connection_->secure.emplace(std::move(socket), *connection_->tls);
  }
}

EdgeStream::~EdgeStream() = default;

bool EdgeStream::secure() const { return connection_->secure.has_value(); }

tcp_stream& EdgeStream::tcp() { return secure() ? connection_->secure->next_layer() : *connection_->plain; }

void EdgeStream::Handshake(std::function<void(error_code)> done) {
  connection_->secure->async_handshake(asio::ssl::stream_base::server, std::move(done));
}

void EdgeStream::Shutdown(std::function<void(error_code)> done) { connection_->secure->async_shutdown(std::move(done)); }

void EdgeStream::Read(asio::mutable_buffer into, Handler done) {
  if (secure()) return connection_->secure->async_read_some(into, std::move(done));
  connection_->plain->async_read_some(into, std::move(done));
}

void EdgeStream::Write(const ConstBuffers& from, Handler done) {
  tcp().expires_after(write_timeout_);  // Not for a read that is under way.
  if (secure()) return connection_->secure->async_write_some(from, std::move(done));
  connection_->plain->async_write_some(from, std::move(done));
}

}  // namespace baleen
