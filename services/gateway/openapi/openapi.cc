#include "services/gateway/openapi/openapi.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "services/gateway/idempotency/idempotency_table.h"
#include "services/gateway/openapi/answer_schemas.h"
#include "services/gateway/openapi/request_schemas.h"
#include "services/gateway/openapi/schema_parts.h"

namespace baleen {
namespace {

namespace json = boost::json;

json::object JsonContent(json::object schema) { return {{"application/json", json::object{{"schema", std::move(schema)}}}}; }

json::object Response(const char* description, json::object content) {
  return {{"description", description}, {"content", std::move(content)}};
}

json::object Schemas(const std::string& model, int64_t vocabulary) {
  const json::object tokens =
      Required({{"tokens", ListOf(Typed("integer"))}, {"count", Typed("integer")}, {"max_model_len", Typed("integer")}});
  return {{"Error", ErrorSchema()},
          {"Usage", UsageSchema()},
          {"ChatRequest", ChatRequestSchema(model)},
          {"CompletionRequest", CompletionRequestSchema(model, vocabulary)},
          {"TokenizeRequest", TokenizeRequestSchema(model)},
          {"DetokenizeRequest", DetokenizeRequestSchema(model, vocabulary)},
          {"ChatAnswer", ChatAnswerSchema()},
          {"CompletionAnswer", CompletionAnswerSchema()},
          {"Model", ModelSchema()},
          {"TenantUsage", TenantUsageSchema()},
          {"Models", Required({{"object", {{"const", "list"}}}, {"data", ListOf(Ref("Model"))}})},
          {"Tokens", tokens},
          {"Cluster", ClusterSchema()},
          {"Event", Required({{"id", Typed("string")}, {"data", Typed("string")}})},
          {"Text", Required({{"prompt", Typed("string")}})}};
}

json::object Parameter(const char* name, const char* about, json::object schema = Typed("string")) {
  return {{"name", name}, {"in", "header"}, {"description", about}, {"schema", std::move(schema)}};
}

json::object Parameters() {
  return {{"IdempotencyKey", Parameter("Idempotency-Key", "The same key with the same body has the same answer.",
                                       {{"type", "string"}, {"maxLength", kMaxIdempotencyKeyChars}})},
          {"Resumable",
           Parameter("x-baleen-resumable", "With 1 the request outlives its connection: /v1/requests/{id}/events goes on with it.")},
          {"RequestId", Parameter("x-request-id", "32 hexadecimal digits: the request's id, instead of one that is drawn.")},
          {"LastEventId", Parameter("Last-Event-ID", "The id of the last event that came; without it all are told.")}};
}

json::object ParameterRef(const char* name) { return {{"$ref", std::string("#/components/parameters/") + name}}; }

json::object Header(const char* about, const char* type = "string") { return {{"description", about}, {"schema", Typed(type)}}; }

json::object LimitHeaders() {
  json::object headers;
  for (const char* of : {"requests", "tokens"}) {
    const std::string prefix = "x-ratelimit-";
    headers[prefix + "limit-" + of] = Header("At most so many a minute; absent without such a limit.", "integer");
    headers[prefix + "remaining-" + of] = Header("What is left now.", "integer");
    headers[prefix + "reset-" + of] = Header("In how long all of it is there again, such as 1.5s.");
  }
  return headers;
}

// What any request may be answered with, whatever its route.
json::object CommonResponses() {
  json::object other_method = Response("The path is known under another method.", JsonContent(Ref("Error")));
  other_method["headers"] = json::object{{"Allow", Header("The method.")}};
  return {{"OtherMethod", std::move(other_method)}, {"HeaderTooLarge", Response("The header is too large.", JsonContent(Ref("Error")))}};
}

json::object ResponseRef(const char* name) { return {{"$ref", std::string("#/components/responses/") + name}}; }

// Adds to each response the headers that it may have.
void AddHeaders(const DocumentedRoute& route, bool limited, json::object* responses) {
  const bool generates = route.shape == RouteShape::kChat || route.shape == RouteShape::kCompletion || route.shape == RouteShape::kEvents;
  for (auto& [status, response] : *responses) {
    json::object headers = limited ? LimitHeaders() : json::object();
    if (generates) headers["x-request-id"] = Header("The request's id.");
    if (route.shape != RouteShape::kProbe && (status == "409" || status == "429" || status == "503"))
      headers["Retry-After"] = Header("Seconds to wait; absent when waiting does not help.", "integer");
    if (!headers.empty()) response.as_object()["headers"] = std::move(headers);
  }
}

struct Shape {
  const char* request = nullptr;  // Names of schemas; null = none.
  const char* answer = nullptr;
  bool streams = false;
};

Shape ShapeOf(RouteShape shape) {
  switch (shape) {
    case RouteShape::kChat:
      return {"ChatRequest", "ChatAnswer", true};
    case RouteShape::kCompletion:
      return {"CompletionRequest", "CompletionAnswer", true};
    case RouteShape::kModels:
      return {nullptr, "Models"};
    case RouteShape::kModel:
      return {nullptr, "Model"};
    case RouteShape::kTokenize:
      return {"TokenizeRequest", "Tokens"};
    case RouteShape::kDetokenize:
      return {"DetokenizeRequest", "Text"};
    case RouteShape::kUsage:
      return {nullptr, "TenantUsage"};
    case RouteShape::kCluster:
      return {nullptr, "Cluster"};
    case RouteShape::kPage:
    case RouteShape::kProbe:
    case RouteShape::kDocument:
    case RouteShape::kEvents:
      break;
  }
  return {};
}

json::object Responses(RouteShape route, const Shape& shape) {
  const json::object error = JsonContent(Ref("Error"));
  json::object responses;
  if (route == RouteShape::kProbe) {
    const json::object text{{"text/plain", json::object{{"schema", Typed("string")}}}};
    return {{"200", Response("Yes.", text)}, {"503", Response("Not yet, and why.", text)}};
  }
  if (route == RouteShape::kEvents) {
    responses["200"] = Response("The events after Last-Event-ID.", {{"text/event-stream", json::object{{"schema", Ref("Event")}}}});
    responses["400"] = Response("Last-Event-ID is no event's id.", error);
    responses["404"] = Response("There is no such request.", error);
    responses["409"] = Response("Several requests were begun under this id, or another connection went on with it.", error);
    responses["503"] = Response("No worker can be asked.", error);
    return responses;
  }
  if (route == RouteShape::kPage) {
    json::object content;
    for (const char* type : {"text/html", "text/css", "text/javascript", "image/svg+xml"}) {
      content[type] = json::object{{"schema", Typed("string")}};
    }
    responses["200"] = Response("The page, or a part of it.", std::move(content));
    responses["304"] = json::object{{"description", "The client has it."}};
    responses["404"] = Response("The page has no such part.", error);
    return responses;
  }
  json::object content = JsonContent(shape.answer == nullptr ? Typed("object") : Ref(shape.answer));
  if (shape.streams || route == RouteShape::kCluster) content["text/event-stream"] = json::object{{"schema", Ref("Event")}};
  responses["200"] = Response("The answer.", std::move(content));
  if (shape.request != nullptr) {
    responses["400"] = Response("The request is wrong; the message says where.", error);
    responses["413"] = Response("The body is too large.", error);
    responses["415"] = Response("The body says to be no JSON.", error);
    responses["503"] = Response("No worker is ready, or too much waits; Retry-After says how long to wait.", error);
  }
  if (shape.request != nullptr || route == RouteShape::kModel) responses["404"] = Response("There is no such model.", error);
  if (route == RouteShape::kCluster) {
    responses["429"] = Response("Too many clients watch; Retry-After says how long to wait.", error);
    responses["503"] = Response("Nobody knows the cluster here.", error);
  }
  if (!shape.streams) return responses;
  responses["409"] = Response("The Idempotency-Key is in use, or stands for another request.", error);
  responses["429"] = Response("Too many requests wait; Retry-After says how long to wait.", error);
  responses["500"] = Response("The server failed; the request may be sent again.", error);
  responses["504"] = Response("The deadline passed.", error);
  return responses;
}

json::array ParametersOf(const DocumentedRoute& route) {
  json::array parameters;
  if (const size_t brace = route.path.find('{'); brace != std::string::npos) {
    const std::string name = route.path.substr(brace + 1, route.path.find('}') - brace - 1);
    parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", Typed("string")}});
  }
  if (route.shape == RouteShape::kEvents) parameters.push_back(ParameterRef("LastEventId"));
  if (ShapeOf(route.shape).streams) {
    for (const char* name : {"IdempotencyKey", "Resumable", "RequestId"}) parameters.push_back(ParameterRef(name));
  }
  return parameters;
}

json::object Operation(const DocumentedRoute& route, bool closed) {
  const Shape shape = ShapeOf(route.shape);
  json::object responses = Responses(route.shape, shape);
  if (closed && !route.open) {
    responses["401"] = Response("There is no key, or it is not known.", JsonContent(Ref("Error")));
    responses["429"] = Response("A limit is reached; Retry-After says how long to wait.", JsonContent(Ref("Error")));
  }
  if (!closed && !route.open) {
    responses["403"] = Response("A page of another origin asks, or the Host is not this server's.", JsonContent(Ref("Error")));
  }
  AddHeaders(route, closed && !route.open, &responses);
  responses["405"] = ResponseRef("OtherMethod");
  responses["431"] = ResponseRef("HeaderTooLarge");
  json::object operation{{"summary", route.summary}, {"responses", std::move(responses)}};
  if (closed && !route.open) operation["security"] = json::array{json::object{{"key", json::array{}}}};
  if (shape.request != nullptr) operation["requestBody"] = json::object{{"required", true}, {"content", JsonContent(Ref(shape.request))}};
  if (json::array parameters = ParametersOf(route); !parameters.empty()) operation["parameters"] = std::move(parameters);
  return operation;
}

}  // namespace

json::object OpenApiDocument(const std::vector<DocumentedRoute>& routes, const std::string& model, int64_t vocabulary, bool closed) {
  json::object paths;
  for (const DocumentedRoute& route : routes) {
    json::object& path = paths.emplace(route.path, json::object()).first->value().as_object();
    path[absl::AsciiStrToLower(route.method)] = Operation(route, closed);
  }
  json::object components{{"schemas", Schemas(model, vocabulary)}, {"parameters", Parameters()}, {"responses", CommonResponses()}};
  if (closed) components["securitySchemes"] = json::object{{"key", json::object{{"type", "http"}, {"scheme", "bearer"}}}};
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Baleen"}, {"version", "1"}}},
          {"paths", std::move(paths)},
          {"components", std::move(components)}};
}

}  // namespace baleen
