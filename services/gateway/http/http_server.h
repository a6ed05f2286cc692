// HTTP/1.1 for the API: bounded requests in, whole or streamed answers out.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SERVER_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/private_text.h"

namespace boost::asio::ssl {
class context;
}

namespace baleen {

struct HttpRequest {
  std::string method;
  std::string path;  // Decoded, without query.
  PrivateText body;
  std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.

  // Empty when absent.
  std::string Header(const std::string& lower_case_name) const;
  bool Has(absl::string_view lower_case_name) const;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The answer to one request. Thread-safe; calls after the end are ignored. Dropping it unanswered answers 500.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual void Respond(int status, HttpHeaders headers, std::string body) = 0;
  // A 200 that is written piece by piece (in chunks; to HTTP/1.0 up to the connection's end), then ended.
  virtual void BeginStream(HttpHeaders headers) = 0;
  virtual void Write(std::string piece) = 0;
  virtual void EndStream() = 0;
  // Called at most once, on a server thread, when the client went away before the end; soon, if it has already. Replaces an earlier one.
  virtual void OnDisconnect(std::function<void()> callback) = 0;
  // Called on a server thread: with true when more than a little of a stream waits for the client, with false when it has caught up.
  virtual void OnBackpressure(std::function<void(bool slow)> callback) {}
  // Calls back on a server thread each time `interval` has passed, until that returns false or the answer has ended. At most one per
  // answer.
  virtual void Every(absl::Duration interval, std::function<bool()> callback) = 0;
};

using HttpHandler = std::function<void(HttpRequest request, std::shared_ptr<HttpResponder> responder)>;

struct HttpServerOptions {
  std::string bind = "127.0.0.1";
  int port = 0;  // 0 = any free one.
  uint32_t header_limit_bytes = 16 << 10;
  uint64_t body_limit_bytes = 4 << 20;
  int idle_timeout_s = 75;
  int read_timeout_s = 30;    // For a request that has begun, and for its body.
  int write_timeout_s = 120;  // For a client to take something of what is written, whatever that be.
  // Asked on the I/O thread for each connection, so that a certificate may change; without it, plain HTTP.
  std::function<std::shared_ptr<boost::asio::ssl::context>()> tls = {};
};

// One I/O thread; the handler runs on it and must not block.
class HttpServer {
 public:
  HttpServer(HttpServerOptions options, HttpHandler handler);
  ~HttpServer();

  absl::Status Start();
  int port() const;
  // No new connections, and no new requests on those there are: each closes behind what is under way, which goes on until Stop.
  void StopAccepting();
  // Those that are open or whose request somebody still answers; from Start to Stop.
  size_t connections() const;
  void Stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SERVER_H_
