// A client's connection, plain or under TLS: one stream to Beast and Asio.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_EDGE_STREAM_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_EDGE_STREAM_H_

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace baleen {

// Meets Asio's AsyncReadStream and AsyncWriteStream. Buffers and handlers lose their types here: Beast has dozens of both, and each pair
// would be one more copy of the TLS engine to compile. Not thread-safe.
class EdgeStream {
 public:
  using executor_type = boost::beast::tcp_stream::executor_type;
  using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

  // `tls` is kept for as long as the connection; null = plain. The connection is over when the client takes nothing of what is written for
  // `write_timeout`, however long it takes for all.
  EdgeStream(boost::asio::ip::tcp::socket socket, TlsContext tls, std::chrono::seconds write_timeout);
  ~EdgeStream();

  bool secure() const;
  // Timeouts of reads and the socket itself.
  boost::beast::tcp_stream& tcp();
  executor_type get_executor() { return tcp().get_executor(); }

  // Of a secure one.
  void Handshake(std::function<void(boost::system::error_code)> done);
  // Of a secure one: says goodbye.
  void Shutdown(std::function<void(boost::system::error_code)> done);

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    const boost::asio::mutable_buffer into = FirstOf<boost::asio::mutable_buffer>(buffers);
    return boost::asio::async_initiate<Token, Signature>([this, into](auto handler) { Read(into, Shared(std::move(handler))); }, token);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    ConstBuffers from;
    auto next = from.begin();
    for (auto each = boost::asio::buffer_sequence_begin(buffers); each != boost::asio::buffer_sequence_end(buffers); ++each) {
      if (next == from.end()) break;
      const boost::asio::const_buffer piece(*each);
      if (piece.size() > 0) *next++ = piece;
    }
    return boost::asio::async_initiate<Token, Signature>([this, from](auto handler) { Write(from, Shared(std::move(handler))); }, token);
  }

 private:
  using Signature = void(boost::system::error_code, size_t);
  using Handler = std::function<Signature>;
  // Some of what is to be written; whoever writes comes again with the rest.
  using ConstBuffers = std::array<boost::asio::const_buffer, 8>;
  struct Connection;

  // A std::function is copied, Asio's handlers are only moved.
  template <typename Once>
  static Handler Shared(Once handler) {
    return [kept = std::make_shared<Once>(std::move(handler))](boost::system::error_code error, size_t bytes) {
      std::move (*kept)(error, bytes);
    };
  }
  // Room for something, if there is any: an empty read would say that nothing came.
  template <typename Buffer, typename Buffers>
  static Buffer FirstOf(const Buffers& buffers) {
    for (auto each = boost::asio::buffer_sequence_begin(buffers); each != boost::asio::buffer_sequence_end(buffers); ++each) {
      if (const Buffer buffer(*each); buffer.size() > 0) return buffer;
    }
    return Buffer();
  }
  void Read(boost::asio::mutable_buffer into, Handler done);
  void Write(const ConstBuffers& from, Handler done);

  const std::chrono::seconds write_timeout_;
  const std::unique_ptr<Connection> connection_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_EDGE_STREAM_H_
