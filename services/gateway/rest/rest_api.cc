#include "services/gateway/rest/rest_api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/utf8.h"
#include "proto/baleen/v1/edge.pb.h"
#include "services/common/request_id.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"
#include "services/gateway/api/prepare.h"
#include "services/gateway/api/requests.h"
#include "services/gateway/cluster_view/cluster_handler.h"
#include "services/gateway/idempotency/claim.h"
#include "services/gateway/rest/edge_responder.h"
#include "services/gateway/rest/generate_handler.h"
#include "services/gateway/resume/request_finder.h"
#include "services/gateway/resume/resumption.h"
#include "services/gateway/tenants/charge.h"
#include "services/gateway/tenants/check_room.h"
#include "services/gateway/tenants/tenant_directory.h"
#include "services/gateway/tenants/usage_json.h"
#include "services/gateway/text_pool/text_pool.h"
#include "services/gateway/web/web_page.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr char kChatPath[] = "/v1/chat/completions";
constexpr char kCompletionPath[] = "/v1/completions";
constexpr char kModelsPrefix[] = "/v1/models/";
constexpr char kRequestsPrefix[] = "/v1/requests/";
constexpr char kEventsSuffix[] = "/events";
constexpr char kPagePrefix[] = "/page/";
constexpr size_t kShownPathBytes = 128;
constexpr absl::string_view kRoot = "/v1";
// Base URLs of DeepSeek's own, which say it otherwise.
constexpr absl::string_view kDeepSeekRoots[] = {"/beta", ""};

// Clients that do not say what a body is mean JSON.
bool SaysOtherThanJson(const HttpRequest& request) {
  if (request.body.size() == 0 || !request.Has("content-type")) return false;
  const std::string header = request.Header("content-type");
  const absl::string_view type = absl::StripAsciiWhitespace(absl::string_view(header).substr(0, header.find(';')));
  const bool suffixed = absl::StartsWithIgnoreCase(type, "application/") && absl::EndsWithIgnoreCase(type, "+json");
  return !suffixed && !absl::EqualsIgnoreCase(type, "application/json");
}

void RespondJson(HttpResponder& responder, const json::object& body) {
  responder.Respond(200, {{"content-type", "application/json"}}, json::serialize(body));
}

json::object ModelObject(const ServedModel& model) {
  return {{"id", model.id},
          {"object", "model"},
          {"created", 0},
          {"owned_by", "baleen"},
          {"max_model_len", model.max_position_embeddings},
          {"thinking", model.thinking()}};
}

json::object TokenList(const ServedModel& model, json::array ids) {
  const size_t count = ids.size();
  return {{"tokens", std::move(ids)}, {"count", count}, {"max_model_len", model.max_position_embeddings}};
}

absl::StatusOr<json::object> TokenizeText(const ServedModel& model, const std::string& body) {
  ASSIGN_OR_RETURN(const json::object object, ParseBody(body));
  ASSIGN_OR_RETURN(const auto name, ReadString(object, "model"));
  if (name) RETURN_IF_ERROR(model.CheckName(*name));
  ASSIGN_OR_RETURN(auto text, ReadString(object, "prompt"));
  if (!text) {
    ASSIGN_OR_RETURN(text, ReadString(object, "text"));
  }
  ASSIGN_OR_RETURN(const auto add_special, ReadBool(object, "add_special_tokens"));
  if (FindField(object, "messages") != nullptr) {
    if (text) return InvalidField("messages", "cannot go with a 'prompt'.");
    ASSIGN_OR_RETURN(const ChatCall chat, ReadChatPrompt(object));
    ASSIGN_OR_RETURN(const RenderedChat rendered, RenderCall(model, chat));
    return TokenList(model, json::array(rendered.ids.begin(), rendered.ids.end()));
  }
  if (!text) return InvalidField("prompt", "is required, or 'messages': the text or the chat to tokenize.");
  json::array ids;
  if (add_special.value_or(true)) ids.push_back(model.bos_token_id);
  for (const int32_t id : model.tokenizer->Encode(*text, AddedTokens::kText)) ids.push_back(id);
  return TokenList(model, std::move(ids));
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

// What a caller needs.
enum class RestApi::Access {
  kOpen,    // Nothing.
  kKey,     // A key, where keys are asked for. What resumes was counted when it was begun.
  kCounted  // A key, and room for a request in its tenant's limits.
};

struct RestApi::Route {
  const char* method;
  const char* path;  // A part in braces stands for any text.
  void (RestApi::*handler)(const HttpRequest&, const Caller&, const std::shared_ptr<HttpResponder>&);
  RouteShape shape;
  const char* summary;
  Access access = Access::kCounted;

  // HEAD goes with GET (RFC 9110, 9.3.2), but for events, which move from one reader to the next.
  bool TakesHead() const { return absl::string_view(method) == "GET" && shape != RouteShape::kEvents; }
  bool Takes(absl::string_view asked) const { return asked == method || (asked == "HEAD" && TakesHead()); }
  std::string Allow() const { return absl::StrCat(method, TakesHead() ? ", HEAD" : ""); }
  // DeepSeek has it too.
  bool IsDeepSeeks() const {
    return shape == RouteShape::kChat || shape == RouteShape::kCompletion || shape == RouteShape::kModels || shape == RouteShape::kModel;
  }
  bool Matches(absl::string_view asked) const {
    const absl::string_view own(path);
    const size_t brace = own.find('{');
    if (brace == absl::string_view::npos) return asked == own;
    const absl::string_view before = own.substr(0, brace);
    const absl::string_view after = own.substr(own.find('}') + 1);
    return asked.size() > before.size() + after.size() && absl::StartsWith(asked, before) && absl::EndsWith(asked, after);
  }
};

absl::Span<const RestApi::Route> RestApi::Routes() {
  static constexpr Route kRoutes[] = {
      {"POST", kChatPath, &RestApi::Generate, RouteShape::kChat, "Answers a chat, its reasoning apart."},
      {"POST", kCompletionPath, &RestApi::Generate, RouteShape::kCompletion, "Goes on with a text or with token ids."},
      {"GET", "/v1/models", &RestApi::Models, RouteShape::kModels, "The models served here.", Access::kKey},
      {"GET", "/v1/models/{model}", &RestApi::Model, RouteShape::kModel, "One model.", Access::kKey},
      {"GET", "/v1/requests/{id}/events", &RestApi::Resume, RouteShape::kEvents, "Goes on with a resumable request's events.",
       Access::kKey},
      {"GET", "/v1/usage", &RestApi::Usage, RouteShape::kUsage, "What the caller's tenant has used, and what it costs.", Access::kKey},
      {"POST", "/tokenize", &RestApi::Tokenize, RouteShape::kTokenize, "A text's or a chat's token ids."},
      {"POST", "/detokenize", &RestApi::Detokenize, RouteShape::kDetokenize, "Token ids' text."},
      {"GET", "/v1/cluster", &RestApi::Cluster, RouteShape::kCluster, "The processes and their load, once or as a stream.", Access::kKey},
      {"GET", "/readyz", &RestApi::Readyz, RouteShape::kProbe, "Whether requests can be answered.", Access::kOpen},
      {"GET", "/health", &RestApi::Readyz, RouteShape::kProbe, "The same by the name that load tools ask for.", Access::kOpen},
      {"GET", "/livez", &RestApi::Livez, RouteShape::kProbe, "Whether the process lives.", Access::kOpen},
      {"GET", "/openapi.json", &RestApi::OpenApi, RouteShape::kDocument, "This document.", Access::kKey},
      {"GET", "/", &RestApi::Page, RouteShape::kPage, "A page to chat and to watch the cluster.", Access::kOpen},
      {"GET", "/page/{file}", &RestApi::PagePart, RouteShape::kPage, "Its parts.", Access::kOpen},
  };
  return kRoutes;
}

std::vector<DocumentedRoute> RestApi::DocumentedRoutes() {
  std::vector<DocumentedRoute> routes;
  for (const Route& route : Routes())
    routes.push_back({route.method, route.path, route.summary, route.shape, route.access == Access::kOpen});
  return routes;
}

RestApi::RestApi(RestApiOptions options) : options_(std::move(options)) {
  const bool closed = options_.tenants != nullptr && options_.tenants->closed();
  document_ = json::serialize(OpenApiDocument(DocumentedRoutes(), options_.model->id, options_.model->tokenizer->size(), closed));
}

std::string RestApi::CanonicalPath(std::string path) {
  if (absl::StartsWith(path, kRoot)) return path;
  for (const absl::string_view root : kDeepSeekRoots) {
    if (!absl::StartsWith(path, root)) continue;
    std::string canonical = absl::StrCat(kRoot, absl::string_view(path).substr(root.size()));
    for (const Route& route : Routes()) {
      if (route.IsDeepSeeks() && route.Matches(canonical)) return canonical;
    }
  }
  return path;
}

// A key protects from strange pages, which do not have it.
absl::StatusOr<Caller> RestApi::Admit(const HttpRequest& request) const {
  const bool closed = options_.tenants != nullptr && options_.tenants->closed();
  if (!closed) RETURN_IF_ERROR(CheckOrigin(request, options_.origins));
  const std::string authorization = request.Header("authorization");
  return options_.tenants == nullptr ? OpenCaller(authorization) : options_.tenants->Authenticate(authorization);
}

// The key comes before the route: who has none learns nothing of what there is.
void RestApi::Handle(HttpRequest request, const std::shared_ptr<HttpResponder>& responder) {
  request.path = CanonicalPath(std::move(request.path));
  for (const Route& route : Routes()) {
    if (route.access != Access::kOpen || !route.Takes(request.method) || !route.Matches(request.path)) continue;
    return (this->*route.handler)(request, Caller(), responder);
  }
  std::string origin = AllowedOrigin(request, options_.origins);
  if (!origin.empty() && IsPreflight(request)) return RespondPreflight(request, origin, *responder);
  const auto edge = std::make_shared<EdgeResponder>(responder, options_.probe);
  edge->ShareWith(std::move(origin));
  const absl::StatusOr<Caller> caller = Admit(request);
  if (!caller.ok()) return Refuse(caller.status(), *edge);
  edge->ShowLimits(caller->account);
  Serve(request, *caller, edge);
}

void RestApi::Serve(const HttpRequest& request, const Caller& caller, const std::shared_ptr<EdgeResponder>& responder) {
  for (const Route& route : Routes()) {
    if (!route.Matches(request.path)) continue;
    if (!route.Takes(request.method)) {
      return RefuseAs(405, absl::StrCat(request.path, " takes ", route.method, "."), *responder, {{"allow", route.Allow()}});
    }
    if (SaysOtherThanJson(request)) return RefuseAs(415, "The body must be JSON, with 'Content-Type: application/json'.", *responder);
    const bool counted = route.access == Access::kCounted && caller.account != nullptr;
    const absl::Status limit = counted ? caller.account->TakeRequest() : absl::OkStatus();
    if (limit.ok() && route.shape == RouteShape::kEvents) responder->Untimed();
    return limit.ok() ? (this->*route.handler)(request, caller, responder) : Refuse(limit, *responder);
  }
  const absl::string_view shown = absl::string_view(request.path).substr(0, kShownPathBytes);
  const absl::string_view whole = shown.substr(0, ValidUtf8Prefix(shown));
  Refuse(absl::NotFoundError(absl::StrCat("There is no ", request.method, " ", whole, " here.")), *responder);
}

void RestApi::Refuse(const absl::Status& status, HttpResponder& responder, const HttpHeaders& headers) {
  options_.probe->Refused(ToApiError(status).http_status);
  RespondError(status, headers, responder);
}

void RestApi::RefuseAs(int http_status, absl::string_view sentence, HttpResponder& responder, HttpHeaders headers) {
  options_.probe->Refused(http_status);
  headers.emplace_back("content-type", "application/json");
  responder.Respond(http_status, std::move(headers), ToApiError(absl::InvalidArgumentError(sentence)).body);
}

// A generation to run: a client's request as it came, or one that another connection or gateway began.
struct RestApi::Call {
  Resumption resumption;
  Caller caller;
  std::string request_id;  // 16 bytes.
  std::string traceparent;
  std::optional<std::string> idempotency_key;

  const v1::EdgeRequest& edge() const { return resumption.edge; }
};

struct RestApi::Prepared {
  GenerationInput input;
  StreamSpec stream;
  EventCursor events;
  bool seeded = false;  // By the client.
};

absl::StatusOr<RestApi::Prepared> RestApi::Prepare(const Call& call) const {
  const absl::Time deadline = options_.generation.clock->Now() + options_.request_timeout;
  // What resumes was admitted before.
  const auto room_for = [&](int64_t least_prompt_tokens, const GenerationSpec& spec) {
    return call.resumption.resumed ? absl::OkStatus() : CheckRoom(options_.generation, call.caller, least_prompt_tokens, spec);
  };
  Prepared prepared;
  if (call.edge().path() == kChatPath) {
    ASSIGN_OR_RETURN(const ChatCall chat, ParseChatCall(call.edge().body(), options_.model->defaults));
    RETURN_IF_ERROR(room_for(LeastPromptTokens(*options_.model, chat), chat.generation));
    ASSIGN_OR_RETURN(prepared.input, PrepareChat(*options_.model, chat, deadline));
    prepared.stream = chat.stream;
    prepared.seeded = chat.generation.seed.has_value();
  } else {
    ASSIGN_OR_RETURN(const CompletionCall completion, ParseCompletionCall(call.edge().body(), options_.model->defaults));
    RETURN_IF_ERROR(room_for(LeastPromptTokens(*options_.model, completion), completion.generation));
    ASSIGN_OR_RETURN(prepared.input, PrepareCompletion(*options_.model, completion, deadline));
    prepared.stream = completion.stream;
    prepared.seeded = completion.generation.seed.has_value();
  }
  GenerationInput& input = prepared.input;
  input.request_id = call.request_id;
  input.cache_salt = CacheSaltOf(call.caller, input.spec.cache_salt);
  input.tenant = FairShareOf(call.caller, input.spec.user);
  input.priority = call.caller.priority;
  input.traceparent = call.traceparent;
  ASSIGN_OR_RETURN(prepared.events, call.resumption.Apply(prepared.stream.stream, prepared.seeded, &input));
  return prepared;
}

AnswerHead RestApi::HeadFor(const GenerationInput& input, const Call& call) const {
  AnswerHead head;
  head.kind = call.edge().path() == kChatPath ? AnswerKind::kChat : AnswerKind::kCompletion;
  head.request_id = RequestIdToHex(input.request_id);
  head.model = options_.model->id;
  head.created_unix_s = call.edge().created_unix_s();
  head.logprobs = input.spec.logprobs;
  head.tokenizer = options_.model->tokenizer.get();
  return head;
}

absl::StatusOr<std::shared_ptr<IdempotentAnswer>> RestApi::Claim(const Call& call, Prepared* prepared) const {
  if (options_.idempotency == nullptr) return absl::UnimplementedError("Idempotency keys are not kept here.");
  if (call.resumption.resumable) {
    return absl::InvalidArgumentError(
        "Idempotency-Key cannot go with x-baleen-resumable: a resumable request is taken up again at /v1/requests/{id}/events.");
  }
  const std::string digest = RequestDigest(call.edge().path(), call.edge().body());
  const KeyedRequest keyed{*call.idempotency_key, digest, prepared->seeded, call.edge().created_unix_s()};
  return ClaimAnswer(*options_.idempotency, call.caller, keyed, &prepared->input);
}

void RestApi::OnText(const Caller& caller, size_t bytes, HttpResponder& responder, std::function<void()> work) {
  if (options_.texts == nullptr) return work();
  if (const absl::Status status = options_.texts->Run(caller.id, bytes, std::move(work)); !status.ok()) Refuse(status, responder);
}

void RestApi::Run(const Call& call, const std::shared_ptr<HttpResponder>& responder) {
  const HttpHeaders id = {{"x-request-id", RequestIdToHex(call.request_id)}};
  absl::StatusOr<Prepared> prepared = Prepare(call);
  if (!prepared.ok()) return Refuse(prepared.status(), *responder, id);
  GenerateJob job;
  job.head = HeadFor(prepared->input, call);
  BilledBefore before = BilledFor(prepared->events);
  if (call.idempotency_key) {
    absl::StatusOr<std::shared_ptr<IdempotentAnswer>> answer = Claim(call, &*prepared);
    if (!answer.ok()) return Refuse(answer.status(), *responder, id);
    job.answer = *std::move(answer);
    job.head.request_id = RequestIdToHex(job.answer->record().request_id);
    job.head.created_unix_s = job.answer->record().created_unix_s;
    before.free = job.answer->record().answered;
  }
  absl::StatusOr<std::shared_ptr<Charge>> charge = Charge::Begin(call.caller.account, prepared->input, before);
  if (!charge.ok()) return Refuse(charge.status(), *responder, id);
  job.charge = *std::move(charge);
  job.stream = prepared->stream;
  job.head.usage_follows = job.stream.include_usage;
  job.events = std::move(prepared->events);
  job.resumable = call.resumption.resumable;
  job.input = std::move(prepared->input);
  RunGeneration(options_.generation, *options_.probe, std::move(job), responder);
}

void RestApi::Generate(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder) {
  Call call;
  call.traceparent = request.Header("traceparent");
  v1::EdgeRequest& edge = call.resumption.edge;
  edge.set_path(request.path);
  edge.set_body(request.body.reveal());
  edge.set_created_unix_s(absl::ToUnixSeconds(absl::Now()));
  edge.set_tenant(caller.id);
  call.caller = caller;
  call.resumption.resumable = options_.finder != nullptr && request.Header("x-baleen-resumable") == "1";
  if (request.Has("idempotency-key")) call.idempotency_key = request.Header("idempotency-key");
  // Other ids are the client's own business.
  absl::StatusOr<std::string> id = RequestIdFromHex(request.Header("x-request-id"));
  call.request_id = id.ok() ? *std::move(id) : NewRequestId();
  const size_t bytes = edge.body().size();
  OnText(caller, bytes, *responder, [this, responder, call = std::move(call)] { Run(call, responder); });
}

void RestApi::Resume(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder) {
  absl::string_view hex = request.path;
  hex.remove_prefix(sizeof(kRequestsPrefix) - 1);
  hex.remove_suffix(std::min(hex.size(), sizeof(kEventsSuffix) - 1));
  absl::StatusOr<std::string> id = RequestIdFromHex(hex);
  if (!id.ok() || options_.finder == nullptr) return Refuse(absl::NotFoundError("There is no such request here."), *responder);
  Call call;
  call.request_id = *std::move(id);
  call.caller = caller;
  call.traceparent = request.Header("traceparent");
  absl::StatusOr<EventCounts> had = ParseEventId(request.Header("last-event-id"));
  const HttpHeaders headers = {{"x-request-id", RequestIdToHex(call.request_id)}};
  if (!had.ok()) return Refuse(had.status(), *responder, headers);
  call.resumption = {.resumable = true, .resumed = true, .edge = {}, .had = *std::move(had), .progress = {}};
  v1::RecallRequest recall;
  recall.set_request_id(call.request_id);
  recall.set_owner(caller.id);
  options_.finder->Find(recall, [this, responder, headers, call = std::move(call)](absl::StatusOr<FoundRequest> found) mutable {
    if (!found.ok()) return Refuse(found.status(), *responder, headers);
    if (found->edge.tenant() != call.caller.id) return Refuse(absl::NotFoundError("There is no such request here."), *responder, headers);
    if (found->edge.path() != kChatPath && found->edge.path() != kCompletionPath) {
      return Refuse(absl::InvalidArgumentError("This request was begun over gRPC, where it can be taken up again."), *responder, headers);
    }
    call.resumption.edge = std::move(found->edge);
    call.resumption.progress = std::move(found->choices);
    const size_t bytes = call.edge().body().size();
    OnText(call.caller, bytes, *responder, [this, responder, call] { Run(call, responder); });
  });
}

void RestApi::Models(const HttpRequest&, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  RespondJson(*responder, {{"object", "list"}, {"data", json::array{ModelObject(*options_.model)}}});
}

void RestApi::Model(const HttpRequest& request, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  const absl::Status status = options_.model->CheckName(absl::string_view(request.path).substr(sizeof(kModelsPrefix) - 1));
  if (!status.ok()) return Refuse(status, *responder);
  RespondJson(*responder, ModelObject(*options_.model));
}

void RestApi::Usage(const HttpRequest&, const Caller& caller, const std::shared_ptr<HttpResponder>& responder) {
  if (caller.account == nullptr) return Refuse(absl::NotFoundError("Usage is not metered here."), *responder);
  RespondJson(*responder, UsageObject(*caller.account));
}

void RestApi::Convert(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder,
                      absl::StatusOr<json::object> (*conversion)(const ServedModel&, const std::string&)) {
  OnText(caller, request.body.size(), *responder, [this, responder, conversion, text = request.body] {
    const absl::StatusOr<json::object> body = conversion(*options_.model, text.reveal());
    body.ok() ? RespondJson(*responder, *body) : Refuse(body.status(), *responder);
  });
}

void RestApi::Tokenize(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder) {
  Convert(request, caller, responder, TokenizeText);
}

void RestApi::Detokenize(const HttpRequest& request, const Caller& caller, const std::shared_ptr<HttpResponder>& responder) {
  Convert(request, caller, responder, DetokenizeIds);
}

void RestApi::Readyz(const HttpRequest&, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  const absl::Status status = options_.readiness();
  const std::string text = status.ok() ? "ready\n" : absl::StrCat("not ready: ", status.message(), "\n");
  responder->Respond(status.ok() ? 200 : 503, {{"content-type", "text/plain"}}, text);
}

void RestApi::OpenApi(const HttpRequest&, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  responder->Respond(200, {{"content-type", "application/json"}}, document_);
}

void RestApi::Cluster(const HttpRequest& request, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  if (options_.cluster == nullptr) return Refuse(absl::UnavailableError("This gateway has no placement to ask."), *responder);
  if (const absl::Status status = options_.cluster->Handle(request, responder); !status.ok()) Refuse(status, *responder);
}

void RestApi::Page(const HttpRequest& request, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  RespondWebFile("index.html", request, *responder);
}

void RestApi::PagePart(const HttpRequest& request, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  const absl::string_view name = absl::string_view(request.path).substr(sizeof(kPagePrefix) - 1);
  if (!RespondWebFile(name, request, *responder)) Refuse(absl::NotFoundError("The page has no such part."), *responder);
}

void RestApi::Livez(const HttpRequest&, const Caller&, const std::shared_ptr<HttpResponder>& responder) {
  responder->Respond(200, {{"content-type", "text/plain"}}, "alive\n");
}

}  // namespace baleen
