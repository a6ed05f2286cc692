// The REST routes.
#ifndef BALEEN_SERVICES_GATEWAY_REST_REST_API_H_
#define BALEEN_SERVICES_GATEWAY_REST_REST_API_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/probe.h"
#include "services/gateway/rest/answers.h"

namespace baleen {

struct RestApiOptions {
  const ServedModel* model = nullptr;
  GenerationContext generation;
  GatewayProbe* probe = nullptr;
  std::function<absl::Status()> readiness;
  absl::Duration request_timeout = absl::Minutes(10);
};

// Thread-safe. Unknown paths get 404, known ones with another method 405 with Allow.
class RestApi {
 public:
  explicit RestApi(RestApiOptions options);
  void Handle(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);

 private:
  struct Route;
  void Chat(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Completion(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Models(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Model(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Tokenize(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Detokenize(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Readyz(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Livez(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  void Refuse(const absl::Status& status, HttpResponder& responder);
  AnswerHead HeadFor(const GenerationInput& input, bool chat) const;

  const RestApiOptions options_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_REST_API_H_
