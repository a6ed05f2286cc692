#include "services/gateway/openapi/request_schemas.h"

#include <boost/json.hpp>
#include <utility>

#include "model/tokenizer/stop_matcher.h"
#include "services/gateway/api/fields.h"
#include "services/gateway/openapi/schema_parts.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr int kMaxUserChars = 512;

json::object AnyOf(json::array alternatives) { return {{"anyOf", std::move(alternatives)}}; }

json::object Null() { return {{"type", "null"}}; }

json::object Object(json::object properties, json::array required) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
}

json::object NumberSchema(const NumberField& field) {
  return OrNull("number", {{"minimum", field.min}, {"maximum", field.max}, {"description", field.about}});
}

json::object IntegerSchema(const IntegerField& field) {
  return OrNull("integer", {{"minimum", field.min}, {"maximum", field.max}, {"description", field.about}});
}

json::object TokenIds(int64_t vocabulary) {
  return {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", 0}, {"maximum", vocabulary - 1}}}};
}

json::object ModelName(const std::string& model) { return {{"type", "string"}, {"enum", json::array{model}}}; }

// Where there is one model anyway.
json::object OptionalModelName(const std::string& model) { return {{"enum", json::array{model, nullptr}}}; }

json::object StopSchema() {
  const json::object text{{"type", "string"}, {"minLength", 1}, {"maxLength", StopMatcher::kStopBytesMax}};
  return AnyOf({text, json::object{{"type", "array"}, {"items", text}, {"maxItems", StopMatcher::kStopsMax}}, Null()});
}

json::object ResponseFormatSchema() {
  const json::object plain = Object({{"type", {{"enum", json::array{"text", "json_object"}}}}}, {"type"});
  const json::object named = Object({{"schema", {{"type", "object"}}}, {"name", OrNull("string")}}, {"schema"});
  const json::object schema = Object({{"type", {{"const", "json_schema"}}}, {"json_schema", named}}, {"type", "json_schema"});
  return AnyOf({plain, schema, Null()});
}

// What chat and completions have in common.
json::object GenerationProperties(const std::string& model) {
  json::object properties{{"model", ModelName(model)}};
  for (const NumberField& field : kNumberFields) properties[field.name] = NumberSchema(field);
  for (const IntegerField& field : kIntegerFields) properties[field.name] = IntegerSchema(field);
  properties["logit_bias"] =
      OrNull("object", {{"additionalProperties", {{"type", "number"}, {"minimum", -kMaxBias}, {"maximum", kMaxBias}}},
                        {"propertyNames", {{"pattern", "^[0-9]{1,9}$"}}},
                        {"maxProperties", kMaxLogitBias}});
  properties["ignore_eos"] = OrNull("boolean");
  properties["stop"] = StopSchema();
  properties["response_format"] = ResponseFormatSchema();
  properties["user"] = OrNull("string", {{"maxLength", kMaxUserChars}});
  properties["cache_salt"] = OrNull("string", {{"maxLength", kMaxUserChars}});
  properties["stream"] = OrNull("boolean");
  properties["stream_options"] = OrNull("object", {{"properties", {{"include_usage", OrNull("boolean")}}}});
  return properties;
}

json::object FunctionSchema() {
  const json::object name{{"type", "string"}, {"pattern", "^[A-Za-z0-9_-]{1,64}$"}};
  return Object({{"name", name}, {"description", OrNull("string")}, {"parameters", OrNull("object")}}, {"name"});
}

// Of a tool and of a call; null is as good as absent.
json::object FunctionType() { return {{"enum", json::array{"function", nullptr}}}; }

json::object ToolSchema() { return Object({{"type", FunctionType()}, {"function", FunctionSchema()}}, {"function"}); }

json::object MessageSchema() {
  const auto part = [](const char* kind) { return Object({{"type", {{"const", kind}}}, {kind, {{"type", "string"}}}}, {"type", kind}); };
  const json::object parts{{"type", "array"}, {"items", AnyOf({part("text"), part("refusal")})}};
  const json::object call =
      Object({{"type", FunctionType()},
              {"function", Object({{"name", {{"type", "string"}}}, {"arguments", {{"type", "string"}}}}, {"name", "arguments"})}},
             {"function"});
  return Object({{"role", {{"type", "string"}, {"enum", json::array{"system", "developer", "user", "assistant", "tool"}}}},
                 {"content", AnyOf({json::object{{"type", "string"}}, parts, Null()})},
                 {"tool_calls", OrNull("array", {{"items", call}, {"description", "Of an assistant message."}})},
                 {"prefix", OrNull("boolean", {{"description", "The answer goes on from this last assistant message."}})},
                 {"reasoning_content", OrNull("string")},
                 {"tool_call_id", OrNull("string")}},
                {"role"});
}

}  // namespace

json::object ChatRequestSchema(const std::string& model) {
  json::object properties = GenerationProperties(model);
  properties["messages"] = json::object{{"type", "array"}, {"items", MessageSchema()}, {"minItems", 1}, {"maxItems", kMaxMessages}};
  properties["logprobs"] = OrNull("boolean");
  properties[kTopLogprobsField.name] = IntegerSchema(kTopLogprobsField);
  properties["thinking"] =
      OrNull("object", {{"properties", {{"type", {{"enum", json::array{"enabled", "disabled"}}}}}}, {"required", {"type"}}});
  properties["chat_template_kwargs"] = OrNull("object", {{"properties", {{"thinking", OrNull("boolean")}}}});
  properties["tools"] = OrNull("array", {{"items", ToolSchema()}, {"maxItems", kMaxTools}});
  const json::object named =
      Object({{"type", FunctionType()}, {"function", Object({{"name", {{"type", "string"}}}}, {"name"})}}, {"function"});
  const json::object allowed =
      Object({{"mode", {{"enum", json::array{"auto", "required"}}}}, {"tools", {{"type", "array"}, {"items", named}}}}, {"mode", "tools"});
  const json::object among = Object({{"type", {{"const", "allowed_tools"}}}, {"allowed_tools", allowed}}, {"type", "allowed_tools"});
  properties["tool_choice"] = AnyOf({json::object{{"enum", json::array{"auto", "none", "required"}}}, named, among, Null()});
  properties["parallel_tool_calls"] = OrNull("boolean");
  return Object(std::move(properties), {"model", "messages"});
}

json::object CompletionRequestSchema(const std::string& model, int64_t vocabulary) {
  json::object ids = TokenIds(vocabulary);
  ids["minItems"] = 1;
  const json::object text{{"type", "string"}};
  const auto only = [](const json::object& item) {
    return json::object{{"type", "array"}, {"items", item}, {"minItems", 1}, {"maxItems", 1}};
  };
  json::object properties = GenerationProperties(model);
  properties["prompt"] = AnyOf({text, ids, only(text), only(ids)});
  properties[kCompletionLogprobsField.name] = IntegerSchema(kCompletionLogprobsField);
  properties["echo"] = OrNull("boolean");
  properties["best_of"] =
      OrNull("integer", {{"minimum", 1}, {"maximum", kMaxChoices}, {"description", "Must be `n`: every answer is given out."}});
  return Object(std::move(properties), {"model", "prompt"});
}

// A text as `prompt` or by its other name, or a chat.
json::object TokenizeRequestSchema(const std::string& model) {
  const json::object common{{"model", OptionalModelName(model)}, {"add_special_tokens", OrNull("boolean")}};
  const json::object string{{"type", "string"}};
  json::object prompt = common;
  prompt["prompt"] = string;
  json::object text = common;
  text["prompt"] = Null();
  text["text"] = string;
  const json::object fields = ChatRequestSchema(model).at("properties").as_object();
  json::object chat = common;
  for (const char* field : {"messages", "tools", "tool_choice", "thinking", "chat_template_kwargs"}) chat[field] = fields.at(field);
  return AnyOf({Object(std::move(prompt), {"prompt"}), Object(std::move(text), {"text"}), Object(std::move(chat), {"messages"})});
}

json::object DetokenizeRequestSchema(const std::string& model, int64_t vocabulary) {
  return Object({{"model", OptionalModelName(model)}, {"tokens", TokenIds(vocabulary)}}, {"tokens"});
}

}  // namespace baleen
