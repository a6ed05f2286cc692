// One client connection of the HTTP server.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SESSION_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SESSION_H_

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "services/gateway/http/http_server.h"

namespace baleen {

// A connection that is open, or was. Owns itself until it is over; runs on `io`, which has one thread.
class HttpSession {
 public:
  virtual ~HttpSession() = default;
  // Closes it at once, whatever is under way: requests see their client leave. On io's thread.
  virtual void Abort() = 0;
  // Closes it behind the answer that is under way, or at once when nothing of a request has come. On io's thread.
  virtual void EndSoon() = 0;
};

// Reads requests one after another and hands each to `handler` until the client leaves. Whoever may still answer a request keeps `io`.
std::weak_ptr<HttpSession> StartHttpSession(std::shared_ptr<boost::asio::io_context> io, boost::asio::ip::tcp::socket socket,
                                            const HttpServerOptions& options, HttpHandler handler);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SESSION_H_
