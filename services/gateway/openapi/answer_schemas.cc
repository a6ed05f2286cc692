#include "services/gateway/openapi/answer_schemas.h"

#include <boost/json.hpp>
#include <utility>

#include "services/gateway/openapi/schema_parts.h"

namespace baleen {
namespace {

namespace json = boost::json;

// `shown` is the member of a choice that has its text.
json::object AnswerSchema(const char* object, const char* shown, json::object shown_schema, json::object logprobs) {
  const json::object finish{
      {"enum", json::array{"stop", "length", "tool_calls", "content_filter", "insufficient_system_resource", nullptr}}};
  const json::object choice = Required(
      {{"index", Typed("integer")}, {"finish_reason", finish}, {"logprobs", std::move(logprobs)}, {shown, std::move(shown_schema)}});
  return Required({{"id", Typed("string")},
                   {"object", {{"const", object}}},
                   {"created", Typed("integer")},
                   {"model", Typed("string")},
                   {"system_fingerprint", OrNull("string", {{"description",
                                                             "What computed the answer: the same request with the same seed "
                                                             "has the same tokens under the same fingerprint."}})},
                   {"choices", ListOf(choice)},
                   {"usage", Ref("Usage")}});
}

// With `logprobs`, else null.
json::object WhenAsked(json::object schema) {
  schema["description"] = "Null unless asked for.";
  return OrNull("object", std::move(schema));
}

json::object ChatLogprobsSchema() {
  const json::object token{{"token", Typed("string")}, {"logprob", Typed("number")}, {"bytes", ListOf(Typed("integer"))}};
  json::object entry = token;
  entry["top_logprobs"] = ListOf(Required(token));
  const json::object entries = ListOf(Required(std::move(entry)));
  json::object logprobs = Required({{"content", entries}, {"refusal", Typed("null")}});
  logprobs["properties"].as_object()["reasoning_content"] = entries;
  return WhenAsked(std::move(logprobs));
}

json::object CompletionLogprobsSchema() {
  const json::object top{{"type", "object"}, {"additionalProperties", Typed("number")}};
  return WhenAsked(Required({{"tokens", ListOf(Typed("string"))},
                             {"token_logprobs", ListOf(Typed("number"))},
                             {"top_logprobs", ListOf(top)},
                             {"text_offset", ListOf(Typed("integer"))}}));
}

json::object MessageSchema() {
  const json::object function = Required({{"name", Typed("string")}, {"arguments", {{"type", "string"}, {"description", "JSON text."}}}});
  const json::object call = Required({{"id", Typed("string")}, {"type", {{"const", "function"}}}, {"function", function}});
  json::object message = Required(
      {{"role", {{"const", "assistant"}}},
       {"content", OrNull("string", {{"description", "Null when there are tool calls alone."}})},
       {"refusal", {{"type", "null"}, {"description", "A refusal is said in the content, or is a finish_reason content_filter."}}}});
  json::object& properties = message["properties"].as_object();
  properties["reasoning_content"] = json::object{{"type", "string"}, {"description", "What was thought before; absent when nothing was."}};
  properties["tool_calls"] = ListOf(call);
  return message;
}

}  // namespace

json::object ErrorSchema() {
  return Required(
      {{"error",
        Required({{"message", Typed("string")}, {"type", Typed("string")}, {"param", OrNull("string")}, {"code", OrNull("string")}})}});
}

json::object UsageSchema() {
  return Required({{"prompt_tokens", Typed("integer")},
                   {"completion_tokens", Typed("integer")},
                   {"total_tokens", Typed("integer")},
                   {"prompt_cache_hit_tokens", Typed("integer")},
                   {"prompt_cache_miss_tokens", Typed("integer")},
                   {"prompt_tokens_details", Required({{"cached_tokens", Typed("integer")}})},
                   {"completion_tokens_details", Required({{"reasoning_tokens", Typed("integer")}})}});
}

json::object ChatAnswerSchema() { return AnswerSchema("chat.completion", "message", MessageSchema(), ChatLogprobsSchema()); }

json::object CompletionAnswerSchema() { return AnswerSchema("text_completion", "text", Typed("string"), CompletionLogprobsSchema()); }

json::object ModelSchema() {
  return Required(
      {{"id", Typed("string")},
       {"object", {{"const", "model"}}},
       {"created", Typed("integer")},
       {"owned_by", Typed("string")},
       {"max_model_len", {{"type", "integer"}, {"description", "Tokens that prompt and answer may have together."}}},
       {"thinking", {{"enum", json::array{"optional", "always", "model"}}, {"description", "What a request's `thinking` does."}}}});
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
                                  {"silent_ms", OrNull("integer")}});
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
  json::object cost = OrNull("object", Required({{"currency", Typed("string")}, {"amount", Typed("number")}}));
  json::object prices = OrNull("object", Required({{"currency", Typed("string")},
                                                   {"input_cache_hit", Typed("number")},
                                                   {"input_cache_miss", Typed("number")},
                                                   {"output", Typed("number")}}));
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

}  // namespace baleen
