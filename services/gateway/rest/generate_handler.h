// Runs a prepared generation and writes its answer over HTTP, whole or as server-sent events.
#ifndef BALEEN_SERVICES_GATEWAY_REST_GENERATE_HANDLER_H_
#define BALEEN_SERVICES_GATEWAY_REST_GENERATE_HANDLER_H_

#include <memory>

#include "services/gateway/api/requests.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/idempotency/idempotent_answer.h"
#include "services/gateway/probe.h"
#include "services/gateway/rest/answers.h"
#include "services/gateway/resume/event_cursor.h"
#include "services/gateway/tenants/charge.h"

namespace baleen {

// The status as an HTTP error, unless the stream has begun.
void RespondError(const absl::Status& status, const HttpHeaders& headers, HttpResponder& responder);

// A generation and how its client gets it.
struct GenerateJob {
  AnswerHead head;
  StreamSpec stream;
  EventCursor events;
  bool resumable = false;  // A client that leaves may come back.
  GenerationInput input;
  std::shared_ptr<Charge> charge;            // Metered.
  std::shared_ptr<IdempotentAnswer> answer;  // Null without an idempotency key.
};

// The 200 of a stream is sent with the first event, so that a request that cannot start gets its own status; a request that waits gets it
// with the first of DeepSeek's `: keep-alive` comments. Each event of the answer has an `id:`, as EventCursor has it; those that the client
// has had are left out. A client that leaves cancels the generation, unless it is resumable.
void RunGeneration(const GenerationContext& context, GatewayProbe& probe, GenerateJob job, std::shared_ptr<HttpResponder> responder);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_GENERATE_HANDLER_H_
