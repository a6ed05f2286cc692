// Runs a prepared generation and writes its answer over HTTP, whole or as server-sent events.
#ifndef BALEEN_SERVICES_GATEWAY_REST_GENERATE_HANDLER_H_
#define BALEEN_SERVICES_GATEWAY_REST_GENERATE_HANDLER_H_

#include <memory>

#include "services/gateway/api/requests.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/probe.h"
#include "services/gateway/rest/answers.h"

namespace baleen {

// The status as an HTTP error, unless the stream has begun.
void RespondError(const absl::Status& status, const HttpHeaders& headers, HttpResponder& responder);

// The 200 of a stream is sent with the first event, so that a request that cannot start gets its own status. Each event has an `id:`, its
// sequence number. A client that leaves cancels the generation.
void RunGeneration(const GenerationContext& context, GatewayProbe& probe, AnswerHead head, const StreamSpec& stream, GenerationInput input,
                   std::shared_ptr<HttpResponder> responder);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_GENERATE_HANDLER_H_
