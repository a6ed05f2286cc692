#include "services/gateway/rest/rest_api.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "model/tokenizer/detokenizer.h"
#include "services/common/request_id.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"
#include "services/gateway/api/prepare.h"
#include "services/gateway/api/requests.h"
#include "services/gateway/rest/generate_handler.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr char kModelsPrefix[] = "/v1/models/";

void RespondJson(HttpResponder& responder, const json::object& body) {
  responder.Respond(200, {{"content-type", "application/json"}}, json::serialize(body));
}

json::object ModelObject(const ServedModel& model) {
  return {{"id", model.id}, {"object", "model"}, {"created", 0}, {"owned_by", "baleen"}, {"max_model_len", model.max_position_embeddings}};
}

absl::StatusOr<json::object> TokenizeText(const ServedModel& model, const std::string& body) {
  ASSIGN_OR_RETURN(const json::object object, ParseBody(body));
  ASSIGN_OR_RETURN(const auto name, ReadString(object, "model"));
  if (name) RETURN_IF_ERROR(model.CheckName(*name));
  ASSIGN_OR_RETURN(auto text, ReadString(object, "prompt"));
  if (!text) {
    ASSIGN_OR_RETURN(text, ReadString(object, "text"));
  }
  if (!text) return InvalidField("prompt", "is required: the text to tokenize.");
  ASSIGN_OR_RETURN(const auto add_special, ReadBool(object, "add_special_tokens"));
  json::array ids;
  if (add_special.value_or(true)) ids.push_back(model.bos_token_id);
  for (const int32_t id : model.tokenizer->Encode(*text, AddedTokens::kText)) ids.push_back(id);
  const size_t count = ids.size();
  return json::object{{"tokens", std::move(ids)}, {"count", count}, {"max_model_len", model.max_position_embeddings}};
}

absl::StatusOr<json::object> DetokenizeIds(const ServedModel& model, const std::string& body) {
  ASSIGN_OR_RETURN(const json::object object, ParseBody(body));
  ASSIGN_OR_RETURN(const auto name, ReadString(object, "model"));
  if (name) RETURN_IF_ERROR(model.CheckName(*name));
  const json::value* tokens = FindField(object, "tokens");
  if (tokens == nullptr || !tokens->is_array()) return InvalidField("tokens", "is required: a list of token ids.");
  Detokenizer detokenizer(*model.tokenizer, /*skip_special=*/false);
  std::string text;
  for (const json::value& item : tokens->as_array()) {
    json::error_code error;
    const int64_t id = item.is_number() ? item.to_number<int64_t>(error) : -1;
    if (error || id < 0 || id >= model.tokenizer->size()) {
      return InvalidField("tokens", absl::StrCat("must hold ids from 0 to ", model.tokenizer->size() - 1, "."));
    }
    text += detokenizer.Add(static_cast<int32_t>(id));
  }
  text += detokenizer.Finish();
  return json::object{{"prompt", std::move(text)}};
}

}  // namespace

struct RestApi::Route {
  const char* method;
  const char* path;
  void (RestApi::*handler)(const HttpRequest&, const std::shared_ptr<HttpResponder>&);
};

RestApi::RestApi(RestApiOptions options) : options_(std::move(options)) {}

void RestApi::Handle(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  static constexpr Route kRoutes[] = {
      {"POST", "/v1/chat/completions", &RestApi::Chat},
      {"POST", "/v1/completions", &RestApi::Completion},
      {"GET", "/v1/models", &RestApi::Models},
      {"POST", "/tokenize", &RestApi::Tokenize},
      {"POST", "/detokenize", &RestApi::Detokenize},
      {"GET", "/readyz", &RestApi::Readyz},
      {"GET", "/livez", &RestApi::Livez},
  };
  for (const Route& route : kRoutes) {
    if (request.path != route.path) continue;
    if (request.method == route.method) return (this->*route.handler)(request, responder);
    const ApiError error = ToApiError(absl::InvalidArgumentError(absl::StrCat(request.path, " takes ", route.method, ".")));
    return responder->Respond(405, {{"allow", route.method}, {"content-type", "application/json"}}, error.body);
  }
  if (request.method == "GET" && absl::StartsWith(request.path, kModelsPrefix)) return Model(request, responder);
  Refuse(absl::NotFoundError(absl::StrCat("There is no ", request.method, " ", request.path.substr(0, 128), " here.")), *responder);
}

void RestApi::Refuse(const absl::Status& status, HttpResponder& responder) {
  options_.probe->Refused(ToApiError(status).http_status);
  RespondError(status, {}, responder);
}

AnswerHead RestApi::HeadFor(const GenerationInput& input, bool chat) const {
  AnswerHead head;
  head.kind = chat ? AnswerKind::kChat : AnswerKind::kCompletion;
  head.request_id = RequestIdToHex(input.request_id);
  head.model = options_.model->id;
  head.created_unix_s = absl::ToUnixSeconds(absl::Now());
  head.logprobs = input.spec.logprobs;
  head.tokenizer = options_.model->tokenizer.get();
  return head;
}

void RestApi::Chat(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  absl::StatusOr<ChatCall> call = ParseChatCall(request.body, options_.model->defaults);
  if (!call.ok()) return Refuse(call.status(), *responder);
  absl::StatusOr<GenerationInput> input = PrepareChat(*options_.model, *call, absl::Now() + options_.request_timeout);
  if (!input.ok()) return Refuse(input.status(), *responder);
  AnswerHead head = HeadFor(*input, /*chat=*/true);
  RunGeneration(options_.generation, *options_.probe, std::move(head), call->stream, *std::move(input), responder);
}

void RestApi::Completion(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  absl::StatusOr<CompletionCall> call = ParseCompletionCall(request.body, options_.model->defaults);
  if (!call.ok()) return Refuse(call.status(), *responder);
  absl::StatusOr<GenerationInput> input = PrepareCompletion(*options_.model, *call, absl::Now() + options_.request_timeout);
  if (!input.ok()) return Refuse(input.status(), *responder);
  AnswerHead head = HeadFor(*input, /*chat=*/false);
  RunGeneration(options_.generation, *options_.probe, std::move(head), call->stream, *std::move(input), responder);
}

void RestApi::Models(const HttpRequest&, const std::shared_ptr<HttpResponder>& responder) {
  RespondJson(*responder, {{"object", "list"}, {"data", json::array{ModelObject(*options_.model)}}});
}

void RestApi::Model(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  const absl::Status status = options_.model->CheckName(absl::string_view(request.path).substr(sizeof(kModelsPrefix) - 1));
  if (!status.ok()) return Refuse(status, *responder);
  RespondJson(*responder, ModelObject(*options_.model));
}

void RestApi::Tokenize(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  const absl::StatusOr<json::object> body = TokenizeText(*options_.model, request.body);
  if (!body.ok()) return Refuse(body.status(), *responder);
  RespondJson(*responder, *body);
}

void RestApi::Detokenize(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  const absl::StatusOr<json::object> body = DetokenizeIds(*options_.model, request.body);
  if (!body.ok()) return Refuse(body.status(), *responder);
  RespondJson(*responder, *body);
}

void RestApi::Readyz(const HttpRequest&, const std::shared_ptr<HttpResponder>& responder) {
  const absl::Status status = options_.readiness();
  const std::string text = status.ok() ? "ready\n" : absl::StrCat("not ready: ", status.message(), "\n");
  responder->Respond(status.ok() ? 200 : 503, {{"content-type", "text/plain"}}, text);
}

void RestApi::Livez(const HttpRequest&, const std::shared_ptr<HttpResponder>& responder) {
  responder->Respond(200, {{"content-type", "text/plain"}}, "alive\n");
}

}  // namespace baleen
