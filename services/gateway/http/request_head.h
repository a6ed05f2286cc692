// What a request's head may say, and what it asks for.
#ifndef BALEEN_SERVICES_GATEWAY_HTTP_REQUEST_HEAD_H_
#define BALEEN_SERVICES_GATEWAY_HTTP_REQUEST_HEAD_H_

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <string>
#include <variant>

#include "services/gateway/http/http_server.h"

namespace baleen {

using RequestHead = boost::beast::http::request_header<boost::beast::http::fields>;

struct HeadRefusal {
  int status = 400;
  std::string sentence;
};

// All of the request but its body; or why nothing of it is taken: RFC 9112 on Host (3.2) and transfer codings (6.1), RFC 9110 on
// expectations (10.1.1), a path that cannot be decoded. A target in absolute form (RFC 9112, 3.2.2) counts as its path, and its authority
// as the Host.
std::variant<HttpRequest, HeadRefusal> ReadHead(const RequestHead& head);

// Whether the client waits for "100 Continue" before it sends the body.
bool WaitsForContinue(const RequestHead& head);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_HTTP_REQUEST_HEAD_H_
