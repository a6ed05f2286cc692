#include "services/gateway/openapi/openapi.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "services/gateway/openapi/request_schemas.h"

namespace baleen {
namespace {

namespace json = boost::json;

json::object Ref(const char* name) { return {{"$ref", std::string("#/components/schemas/") + name}}; }

json::object JsonContent(json::object schema) { return {{"application/json", json::object{{"schema", std::move(schema)}}}}; }

json::object Response(const char* description, json::object content) {
  return {{"description", description}, {"content", std::move(content)}};
}

json::object Typed(const char* type) { return {{"type", type}}; }

json::object Required(json::object properties) {
  json::array names;
  for (const auto& member : properties) names.emplace_back(member.key());
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(names)}};
}

json::object ListOf(json::object item) { return {{"type", "array"}, {"items", std::move(item)}}; }

json::object ErrorSchema() {
  const json::array text_or_null{"string", "null"};
  return Required({{"error", Required({{"message", Typed("string")},
                                       {"type", Typed("string")},
                                       {"param", {{"type", text_or_null}}},
                                       {"code", {{"type", text_or_null}}}})}});
}

json::object UsageSchema() {
  return Required({{"prompt_tokens", Typed("integer")},
                   {"completion_tokens", Typed("integer")},
                   {"total_tokens", Typed("integer")},
                   {"prompt_cache_hit_tokens", Typed("integer")},
                   {"prompt_cache_miss_tokens", Typed("integer")}});
}

// `shown` is the member of a choice that has its text.
json::object AnswerSchema(const char* object, const char* shown, json::object shown_schema) {
  const json::object finish{
      {"enum", json::array{"stop", "length", "tool_calls", "content_filter", "insufficient_system_resource", nullptr}}};
  const json::object choice = Required({{"index", Typed("integer")},
                                        {"finish_reason", finish},
                                        {"logprobs", {{"type", json::array{"object", "null"}}}},
                                        {shown, std::move(shown_schema)}});
  return Required({{"id", Typed("string")},
                   {"object", {{"const", object}}},
                   {"created", Typed("integer")},
                   {"model", Typed("string")},
                   {"system_fingerprint", {{"type", json::array{"string", "null"}}}},
                   {"choices", ListOf(choice)},
                   {"usage", Ref("Usage")}});
}

json::object ModelSchema() {
  return Required(
      {{"id", Typed("string")}, {"object", {{"const", "model"}}}, {"created", Typed("integer")}, {"owned_by", Typed("string")}});
}

json::object ClusterSchema() {
  const json::object layer =
      Required({{"layer", Typed("integer")}, {"experts", ListOf(Typed("integer"))}, {"rows", ListOf(Typed("integer"))}});
  const json::object attention = Required({{"steps", Typed("integer")},
                                           {"step_rows", Typed("integer")},
                                           {"generated_tokens", Typed("integer")},
                                           {"kv_blocks_total", Typed("integer")},
                                           {"kv_blocks_used", Typed("integer")},
                                           {"kv_blocks_cached", Typed("integer")}});
  json::object worker = Required({{"id", Typed("string")},
                                  {"role", {{"enum", json::array{"gateway", "prefill", "decode", "both", "expert", "unknown"}}}},
                                  {"ready", Typed("boolean")},
                                  {"draining", Typed("boolean")},
                                  {"running", Typed("integer")},
                                  {"waiting", Typed("integer")},
                                  {"failure_domain", Typed("string")},
                                  {"silent_ms", {{"type", json::array{"integer", "null"}}}}});
  worker["properties"].as_object()["experts"] = ListOf(layer);
  worker["properties"].as_object()["attention"] = attention;
  const json::object model = Required(
      {{"id", Typed("string")}, {"first_moe_layer", Typed("integer")}, {"moe_layers", Typed("integer")}, {"experts", Typed("integer")}});
  const json::object placement =
      Required({{"answers", Typed("boolean")}, {"epoch", Typed("integer")}, {"pending_moves", Typed("integer")}});
  return Required({{"object", {{"const", "cluster"}}},
                   {"time_unix_ms", Typed("integer")},
                   {"model", model},
                   {"placement", placement},
                   {"workers", ListOf(worker)}});
}

json::object TenantUsageSchema() {
  json::object cost = Required({{"currency", Typed("string")}, {"amount", Typed("number")}});
  cost["type"] = json::array{"object", "null"};
  json::object prices = Required({{"currency", Typed("string")},
                                  {"input_cache_hit", Typed("number")},
                                  {"input_cache_miss", Typed("number")},
                                  {"output", Typed("number")}});
  prices["type"] = json::array{"object", "null"};
  return Required({{"object", {{"const", "usage"}}},
                   {"tenant", Typed("string")},
                   {"since", Typed("integer")},
                   {"requests", Typed("integer")},
                   {"input_cache_hit_tokens", Typed("integer")},
                   {"input_cache_miss_tokens", Typed("integer")},
                   {"output_tokens", Typed("integer")},
                   {"concurrent_streams", Typed("integer")},
                   {"cost", std::move(cost)},
                   {"prices", std::move(prices)}});
}

json::object Schemas(const std::string& model, int64_t vocabulary) {
  const json::object message{{"type", "object"}, {"required", {"role", "content"}}};
  const json::object tokens =
      Required({{"tokens", ListOf(Typed("integer"))}, {"count", Typed("integer")}, {"max_model_len", Typed("integer")}});
  return {{"Error", ErrorSchema()},
          {"Usage", UsageSchema()},
          {"ChatRequest", ChatRequestSchema(model)},
          {"CompletionRequest", CompletionRequestSchema(model, vocabulary)},
          {"TokenizeRequest", TokenizeRequestSchema(model)},
          {"DetokenizeRequest", DetokenizeRequestSchema(model, vocabulary)},
          {"ChatAnswer", AnswerSchema("chat.completion", "message", message)},
          {"CompletionAnswer", AnswerSchema("text_completion", "text", Typed("string"))},
          {"Model", ModelSchema()},
          {"TenantUsage", TenantUsageSchema()},
          {"Models", Required({{"object", {{"const", "list"}}}, {"data", ListOf(Ref("Model"))}})},
          {"Tokens", tokens},
          {"Cluster", ClusterSchema()},
          {"Event", Required({{"id", Typed("string")}, {"data", Typed("string")}})},
          {"Text", Required({{"prompt", Typed("string")}})}};
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
  responses["503"] = Response("No worker is ready.", error);
  responses["504"] = Response("The deadline passed.", error);
  return responses;
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
  json::object operation{{"summary", route.summary}, {"responses", std::move(responses)}};
  if (closed && !route.open) operation["security"] = json::array{json::object{{"key", json::array{}}}};
  if (shape.request != nullptr) operation["requestBody"] = json::object{{"required", true}, {"content", JsonContent(Ref(shape.request))}};
  if (const size_t brace = route.path.find('{'); brace != std::string::npos) {
    const std::string name = route.path.substr(brace + 1, route.path.find('}') - brace - 1);
    operation["parameters"] = json::array{{{"name", name}, {"in", "path"}, {"required", true}, {"schema", Typed("string")}}};
  }
  return operation;
}

}  // namespace

json::object OpenApiDocument(const std::vector<DocumentedRoute>& routes, const std::string& model, int64_t vocabulary, bool closed) {
  json::object paths;
  for (const DocumentedRoute& route : routes) {
    json::object& path = paths.emplace(route.path, json::object()).first->value().as_object();
    path[absl::AsciiStrToLower(route.method)] = Operation(route, closed);
  }
  json::object components{{"schemas", Schemas(model, vocabulary)}};
  if (closed) components["securitySchemes"] = json::object{{"key", json::object{{"type", "http"}, {"scheme", "bearer"}}}};
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Baleen"}, {"version", "1"}}},
          {"paths", std::move(paths)},
          {"components", std::move(components)}};
}

}  // namespace baleen
