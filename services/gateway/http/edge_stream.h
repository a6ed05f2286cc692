// A client's connection, plain or under TLS: one stream to Beast and Asio.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_EDGE_STREAM_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_EDGE_STREAM_H_

#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl.hpp>
#include <memory>
#include <utility>
#include <variant>

namespace baleen {

// Meets Asio's AsyncReadStream and AsyncWriteStream. Not thread-safe.
class EdgeStream {
 public:
  using executor_type = boost::beast::tcp_stream::executor_type;
  using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

  // `tls` is kept for as long as the connection; null = plain.
  EdgeStream(boost::asio::ip::tcp::socket socket, TlsContext tls) : tls_(std::move(tls)) {
    if (tls_ == nullptr) {
      stream_.emplace<Plain>(std::move(socket));
    } else {
      stream_.emplace<Secure>(std::move(socket), *tls_);
    }
  }

  bool secure() const { return tls_ != nullptr; }
  // Timeouts and the socket itself.
  boost::beast::tcp_stream& tcp() { return secure() ? std::get<Secure>(stream_).next_layer() : std::get<Plain>(stream_); }
  executor_type get_executor() { return tcp().get_executor(); }

  // Of a secure one: handler(error).
  template <typename Handler>
  void async_handshake(Handler&& handler) {
    std::get<Secure>(stream_).async_handshake(boost::asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }
  // Of a secure one: says goodbye. handler(error).
  template <typename Handler>
  void async_shutdown(Handler&& handler) {
    std::get<Secure>(stream_).async_shutdown(std::forward<Handler>(handler));
  }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, size_t)>(
        [this](auto handler, const Buffers& into) { std::visit([&](auto& stream) { Read(stream, into, std::move(handler)); }, stream_); },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, size_t)>(
        [this](auto handler, const Buffers& from) { std::visit([&](auto& stream) { Write(stream, from, std::move(handler)); }, stream_); },
        token, buffers);
  }

 private:
  using Plain = boost::beast::tcp_stream;
  using Secure = boost::beast::ssl_stream<boost::beast::tcp_stream>;

  template <typename Stream, typename Buffers, typename Handler>
  static void Read(Stream& stream, const Buffers& buffers, Handler handler) {
    if constexpr (!std::is_same_v<Stream, std::monostate>) stream.async_read_some(buffers, std::move(handler));
  }
  template <typename Stream, typename Buffers, typename Handler>
  static void Write(Stream& stream, const Buffers& buffers, Handler handler) {
    if constexpr (!std::is_same_v<Stream, std::monostate>) stream.async_write_some(buffers, std::move(handler));
  }

  const TlsContext tls_;
  std::variant<std::monostate, Plain, Secure> stream_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_EDGE_STREAM_H_
