// The REST routes.
#ifndef BALEEN_SERVICES_GATEWAY_REST_REST_API_H_
#define BALEEN_SERVICES_GATEWAY_REST_REST_API_H_

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/http/origin_guard.h"
#include "services/gateway/idempotency/idempotent_answer.h"
#include "services/gateway/openapi/openapi.h"
#include "services/gateway/probe.h"
#include "services/gateway/rest/answers.h"
#include "services/gateway/tenants/caller.h"

namespace baleen {

class ClusterHandler;
class EdgeResponder;
class IdempotencyKeys;
class RequestFinder;
class TenantDirectory;
class TextPool;
struct FoundRequest;

struct RestApiOptions {
  const ServedModel* model = nullptr;
  GenerationContext generation;
  GatewayProbe* probe = nullptr;
  std::function<absl::Status()> readiness;
  RequestFinder* finder = nullptr;           // Null = nothing is resumable here.
  const TenantDirectory* tenants = nullptr;  // Null = no key is asked for.
  ClusterHandler* cluster = nullptr;         // Null = nobody knows the cluster here.
  TextPool* texts = nullptr;                 // Null = long texts stay on their server's thread.
  IdempotencyKeys* idempotency = nullptr;    // Null = requests with such a key are refused.
  absl::Duration request_timeout = absl::Minutes(10);
  // Of pages in browsers; where keys are asked for, `allowed` alone counts.
  OriginRules origins = {.own_pages = true, .loopback_hosts = false};
};

// Thread-safe. Where keys are asked for, everything but the probes and the page gets 401 without one, and every answer to a tenant with
// limits says what is left of them; where none are, what `origins` refuses gets 403. Unknown paths get 404, known ones with another method
// 405 with Allow, bodies that say to be no JSON 415. DeepSeek's base URLs, "" and "/beta", stand for "/v1" where it has such a route.
class RestApi {
 public:
  explicit RestApi(RestApiOptions options);
  void Handle(HttpRequest request, const std::shared_ptr<HttpResponder>& responder);
  // What there is, for tests.
  static std::vector<DocumentedRoute> DocumentedRoutes();

 private:
  enum class Access;
  struct Route;
  static absl::Span<const Route> Routes();
  struct Call;
  struct Prepared;
  static std::string CanonicalPath(std::string path);
  void Serve(const HttpRequest& request, const Caller& caller, const std::shared_ptr<EdgeResponder>& responder);
  void Generate(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Resume(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  absl::StatusOr<Prepared> Prepare(const Call& call) const;
  absl::StatusOr<std::shared_ptr<IdempotentAnswer>> Claim(const Call& call, Prepared* prepared) const;
  // `work` on a client's text of so many bytes, maybe later and on another thread.
  void OnText(const Caller& caller, size_t bytes, HttpResponder& responder, std::function<void()> work);
  void Run(const Call& call, const std::shared_ptr<HttpResponder>& responder);
  void Models(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Model(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Usage(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Convert(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder,
               absl::StatusOr<boost::json::object> (*conversion)(const ServedModel&, const std::string&));
  void Tokenize(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Detokenize(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Readyz(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void OpenApi(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Livez(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Cluster(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void Page(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  void PagePart(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder);
  absl::StatusOr<Caller> Admit(const HttpRequest& request) const;
  void Refuse(const absl::Status& status, HttpResponder& responder, const HttpHeaders& headers = {});
  // With a status that no absl::Status stands for.
  void RefuseAs(int http_status, absl::string_view sentence, HttpResponder& responder, HttpHeaders headers = {});
  AnswerHead HeadFor(const GenerationInput& input, const Call& call) const;

  const RestApiOptions options_;
  std::string document_;  // /openapi.json
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_REST_API_H_
