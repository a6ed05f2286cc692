// Serves the page and its parts out of the binary.
#ifndef BALEEN_SERVICES_GATEWAY_WEB_WEB_PAGE_H_
#define BALEEN_SERVICES_GATEWAY_WEB_WEB_PAGE_H_

#include "absl/strings/string_view.h"
#include "services/gateway/http/http_server.h"

namespace baleen {

// Answers with the file of that name: 200, or 304 where If-None-Match has its ETag; false when there is none. Browsers are told to ask
// again each time, to run nothing but the files of this origin, to make no HTML out of text, and to talk to nobody else.
bool RespondWebFile(absl::string_view name, const HttpRequest& request, HttpResponder& responder);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_WEB_WEB_PAGE_H_
