// One client connection of the HTTP server.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SESSION_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SESSION_H_

#include <boost/asio/ip/tcp.hpp>

#include "services/gateway/http/http_server.h"

namespace baleen {

// Reads requests one after another and hands each to `handler` until the client leaves. Owns itself; runs on the
// socket's executor, which has one thread.
void StartHttpSession(boost::asio::ip::tcp::socket socket, const HttpServerOptions& options, HttpHandler handler);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_HTTP_SESSION_H_
