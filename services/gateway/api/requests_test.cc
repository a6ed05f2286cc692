#include "services/gateway/api/requests.h"

#include <gtest/gtest.h>

#include <string>

#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

absl::StatusOr<ChatCall> Chat(const std::string& extra) {
  return ParseChatCall(R"({"model":"abacus","messages":[{"role":"user","content":"Hi"}])" + extra + "}", GenerationSpec());
}

TEST(ParseChatCallTest, ReadsEveryField) {
  const auto call = Chat(R"(,"temperature":0.5,"top_p":0.9,"top_k":40,"seed":-7,"max_tokens":10,"max_completion_tokens":12,"min_tokens":3,
    "ignore_eos":true,"stop":["a","b"],"logprobs":true,"top_logprobs":2,"stream":true,"stream_options":{"include_usage":true},
    "chat_template_kwargs":{"thinking":false},"cache_salt":"s","unknown":{"x":1})");
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->generation.temperature, 0.5);
  EXPECT_EQ(call->generation.top_p, 0.9);
  EXPECT_EQ(call->generation.top_k, 40);
  EXPECT_EQ(call->generation.seed, static_cast<uint64_t>(-7));
  EXPECT_EQ(call->generation.max_tokens, 12);
  EXPECT_EQ(call->generation.min_tokens, 3);
  EXPECT_TRUE(call->generation.ignore_eos);
  EXPECT_EQ(call->generation.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(call->generation.logprobs, 2);
  EXPECT_TRUE(call->stream.stream);
  EXPECT_TRUE(call->stream.include_usage);
  EXPECT_EQ(call->thinking, false);
  EXPECT_EQ(call->generation.cache_salt, "s");
}

TEST(ParseChatCallTest, NullIsAbsent) {
  const auto call = Chat(R"(,"temperature":null,"stop":null,"max_tokens":null,"stream":null)");
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->generation.temperature, 1.0);
  EXPECT_FALSE(call->generation.max_tokens.has_value());
}

TEST(ParseChatCallTest, JoinsTextParts) {
  const auto call =
      ParseChatCall(R"({"model":"m","messages":[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]})",
                    GenerationSpec());
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->turns[0].role, "system");
  EXPECT_EQ(call->turns[0].content.reveal(), "ab");
}

struct BadField {
  const char* extra;
  const char* names;  // What the error's param must be.
};

class BadChatTest : public testing::TestWithParam<BadField> {};

TEST_P(BadChatTest, ErrorNamesTheField) {
  const auto call = Chat(GetParam().extra);
  ASSERT_FALSE(call.ok());
  const ApiError error = ToApiError(call.status());
  EXPECT_EQ(error.http_status, 400);
  EXPECT_NE(error.body.find(std::string("\"param\":\"") + GetParam().names + "\""), std::string::npos) << error.body;
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadChatTest,
    testing::Values(
        BadField{R"(,"temperature":3)", "temperature"}, BadField{R"(,"temperature":"hot")", "temperature"},
        BadField{R"(,"temperature":-1)", "temperature"}, BadField{R"(,"top_p":-0.1)", "top_p"}, BadField{R"(,"top_k":1.5)", "top_k"},
        BadField{R"(,"top_k":9223372036854775807)", "top_k"}, BadField{R"(,"max_tokens":0)", "max_tokens"},
        BadField{R"(,"max_tokens":1e300)", "max_tokens"}, BadField{R"(,"max_tokens":2,"min_tokens":3)", "min_tokens"},
        BadField{R"(,"n":0)", "n"}, BadField{R"(,"n":17)", "n"}, BadField{R"(,"n":9223372036854775807)", "n"},
        BadField{R"(,"min_p":1.1)", "min_p"}, BadField{R"(,"cache_salt":1)", "cache_salt"},
        BadField{R"(,"presence_penalty":3)", "presence_penalty"}, BadField{R"(,"frequency_penalty":-3)", "frequency_penalty"},
        BadField{R"(,"repetition_penalty":0)", "repetition_penalty"}, BadField{R"(,"logit_bias":[1])", "logit_bias"},
        BadField{R"(,"logit_bias":{"a":1})", "logit_bias"}, BadField{R"(,"logit_bias":{"1":101})", "logit_bias"},
        BadField{R"(,"logit_bias":{"-1":1})", "logit_bias"}, BadField{R"(,"response_format":"json")", "response_format"},
        BadField{R"(,"response_format":{"type":"xml"})", "response_format"},
        BadField{R"(,"response_format":{"type":"json_schema"})", "response_format"},
        BadField{R"(,"response_format":{"type":"json_object"},"ignore_eos":true)", "response_format"}, BadField{R"(,"tools":{})", "tools"},
        BadField{R"(,"tools":[1])", "tools[0]"},
        BadField{R"(,"tools":[{"type":"function","function":{"name":"a b"}}])", "tools[0].function.name"},
        BadField{R"(,"tool_choice":"required")", "tool_choice"}, BadField{R"(,"tool_choice":"maybe")", "tool_choice"},
        BadField{R"(,"thinking":{"type":"perhaps"})", "thinking"}, BadField{R"(,"stop":"")", "stop"}, BadField{R"(,"stop":[1])", "stop"},
        BadField{R"(,"logprobs":5)", "logprobs"}, BadField{R"(,"top_logprobs":2)", "top_logprobs"},
        BadField{R"(,"stream":"yes")", "stream"}, BadField{R"(,"stream_options":{"include_usage":true})", "stream_options"},
        BadField{R"(,"chat_template_kwargs":{"thinking":1})", "chat_template_kwargs.thinking"},
        BadField{R"(,"parallel_tool_calls":1)", "parallel_tool_calls"},
        BadField{R"(,"tool_choice":{"type":"allowed_tools"})", "tool_choice"},
        BadField{R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"none","tools":[]}})", "tool_choice"},
        BadField{R"(,"functions":[])", "functions"}, BadField{R"(,"function_call":"auto")", "function_call"},
        BadField{R"(,"audio":{})", "audio"}, BadField{R"(,"web_search_options":{})", "web_search_options"},
        BadField{R"(,"stream":true,"stream_options":{"include_usage":1})", "stream_options.include_usage"},
        BadField{R"(,"tools":[{"function":{"name":7}}])", "tools[0].function.name"},
        BadField{R"(,"tools":[{"function":{"name":"f"}},{"function":{"name":"f"}}])", "tools[1].function.name"},
        BadField{R"(,"tools":[{"function":{"name":"f"}},{"function":{"name":"g","parameters":{"type":"banana"}}}])",
                 "tools[1].function.parameters"},
        BadField{R"(,"tools":[{"function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto",
            "tools":[{"function":{"name":"f"}},{"function":{"name":"f"}}]}})",
                 "tool_choice"},
        BadField{R"(,"reasoning_effort":"high")", "reasoning_effort"}, BadField{R"(,"reasoning_effort":"none")", "reasoning_effort"},
        BadField{R"(,"modalities":["text","audio"])", "modalities"}, BadField{R"(,"guided_json":{})", "guided_json"},
        BadField{R"(,"guided_regex":"a")", "guided_regex"}, BadField{R"(,"guided_choice":["a"])", "guided_choice"},
        BadField{R"(,"guided_grammar":"a")", "guided_grammar"}, BadField{R"(,"structured_outputs":{})", "structured_outputs"},
        BadField{R"(,"stop_token_ids":[1])", "stop_token_ids"}));

// Messages of which the last has `last`.
absl::Status Conversation(const std::string& last) {
  return ParseChatCall(R"({"model":"m","messages":[{"role":"user","content":"x"},
      {"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]},)" +
                           last + "]}",
                       GenerationSpec())
      .status();
}

TEST(ParseChatCallTest, ErrorsNameTheMessage) {
  const std::pair<const char*, const char*> messages[] = {
      {R"({"role":7,"content":"x"})", "messages[2].role"},
      {R"({"role":"assistant","content":"x","prefix":1})", "messages[2].prefix"},
      {R"({"role":"assistant","content":"x","reasoning_content":1})", "messages[2].reasoning_content"},
      {R"({"role":"user","content":null})", "messages[2].content"},
      {R"({"role":"system"})", "messages[2].content"},
      {R"({"role":"assistant","tool_calls":[{"function":{"name":7,"arguments":"{}"}}]})", "messages[2].tool_calls[0].function.name"},
      {R"({"role":"assistant","tool_calls":[{"id":7,"function":{"name":"f","arguments":"{}"}}]})", "messages[2].tool_calls[0].id"},
      {R"({"role":"tool","content":"r"})", "messages[2].tool_call_id"},
      {R"({"role":"tool","content":"r","tool_call_id":7})", "messages[2].tool_call_id"},
      {R"({"role":"tool","content":"r","tool_call_id":"2"})", "messages[2].tool_call_id"},
      {R"({"role":"user","content":"x"},{"role":"tool","content":"r","tool_call_id":"1"})", "messages[3].tool_call_id"},
  };
  for (const auto& [last, field] : messages) {
    const std::string body = ToApiError(Conversation(last)).body;
    EXPECT_NE(body.find(std::string("\"param\":\"") + field + "\""), std::string::npos) << last << ": " << body;
    EXPECT_NE(body.find(std::string("'") + field + "'"), std::string::npos) << body;
  }
  const std::string results = R"({"role":"tool","content":"r","tool_call_id":"1"},{"role":"tool","content":"s","tool_call_id":"1"})";
  EXPECT_TRUE(Conversation(results).ok()) << Conversation(results);
}

TEST(CheckToolsTest, ParametersAreASchema) {
  ToolUse use;
  for (const char* schema : {"nope", "[]", R"({"properties":{"a":{"type":"banana"}}})"}) {
    use.tools = {{PrivateText("f"), PrivateText(), PrivateText(schema)}};
    EXPECT_NE(CheckTools(use).message().find("'tools[0].function.parameters' is no JSON Schema"), std::string::npos) << CheckTools(use);
  }
  use.tools = {{PrivateText("f"), PrivateText(), PrivateText(R"({"properties":{"a":{"pattern":"x"}}})")}};
  EXPECT_TRUE(CheckTools(use).ok()) << "A model may be told of what is not kept.";
}

TEST(ParseChatCallTest, WhatIsOnlyTheDefaultIsTaken) {
  EXPECT_TRUE(Chat(R"(,"reasoning_effort":"medium","modalities":["text"],"guided_json":null)").ok());
  EXPECT_EQ(Chat(R"(,"top_p":0)")->generation.top_p, 0);
}

TEST(ParseChatCallTest, SentencesSayWhatIsWrong) {
  const auto sentence = [](const std::string& body) { return std::string(ParseChatCall(body, GenerationSpec()).status().message()); };
  for (const char* rest : {"{}", " x", "\n\n]"}) {
    EXPECT_NE(sentence(R"({"model":"2"})" + std::string(rest)).find("goes on after its JSON object"), std::string::npos) << rest;
  }
  EXPECT_NE(sentence(R"({"model":"2")").find("incomplete"), std::string::npos);
  const auto seed = [](const char* number) { return std::string(Chat(std::string(",\"seed\":") + number).status().message()); };
  for (const char* number : {"9223372036854775808", "1e300", "-1e19"}) {
    EXPECT_EQ(seed(number), "'seed' must be between -9223372036854775808 and 9223372036854775807.") << number;
  }
  EXPECT_EQ(seed("1.5"), "'seed' must be an integer.");
  EXPECT_EQ(seed("\"1\""), "'seed' must be an integer.");
  EXPECT_EQ(Chat(R"(,"max_completion_tokens":2,"min_tokens":3)").status().message(), "'min_tokens' must not exceed max_completion_tokens.");
}

TEST(ParseChatCallTest, ReadsSamplingFields) {
  const auto call = Chat(R"(,"n":2,"min_p":0.1,"presence_penalty":1,"frequency_penalty":-1,"repetition_penalty":1.1,
    "logit_bias":{"5":-100,"6":1.5},"response_format":{"type":"json_object"},"thinking":{"type":"enabled"})");
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->generation.choices, 2);
  EXPECT_EQ(call->generation.min_p, 0.1);
  EXPECT_EQ(call->generation.presence_penalty, 1);
  EXPECT_EQ(call->generation.frequency_penalty, -1);
  EXPECT_EQ(call->generation.repetition_penalty, 1.1);
  EXPECT_EQ(call->generation.logit_bias, (std::vector<std::pair<int32_t, float>>{{5, -100}, {6, 1.5f}}));
  EXPECT_EQ(call->generation.response_schema, R"({"type":"object"})");
  EXPECT_EQ(call->thinking, true);
}

TEST(ParseChatCallTest, ReadsToolsAndCalls) {
  const auto call = ParseChatCall(R"({"model":"m","messages":[{"role":"user","content":"x"},
      {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"1","content":"r"},{"role":"assistant","content":"It","prefix":true}],
      "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
      "tool_choice":{"type":"function","function":{"name":"f"}}})",
                                  GenerationSpec());
  ASSERT_TRUE(call.ok()) << call.status();
  ASSERT_EQ(call->turns.size(), 4u);
  EXPECT_EQ(call->turns[1].tool_calls.at(0).name.reveal(), "f");
  EXPECT_TRUE(call->turns[3].prefix);
  EXPECT_EQ(call->tools.choice, ToolChoice::kRequired);
  EXPECT_EQ(call->tools.name.reveal(), "f");
  EXPECT_EQ(call->tools.tools.at(0).parameters.reveal(), R"({"type":"object"})");
}

TEST(ParseChatCallTest, OnlyAllowedToolsAreOffered) {
  const std::string tools = R"(,"parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f"}},
      {"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":)";
  const auto call = Chat(tools + R"([{"type":"function","function":{"name":"g"}}]}})");
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->tools.choice, ToolChoice::kRequired);
  EXPECT_FALSE(call->tools.parallel);
  ASSERT_EQ(call->tools.tools.size(), 1u);
  EXPECT_EQ(call->tools.tools[0].name.reveal(), "g");
  EXPECT_FALSE(Chat(tools + R"([{"type":"function","function":{"name":"h"}}]}})").ok());
}

TEST(ParseChatCallTest, WhatWasDeclinedIsSaidAgain) {
  const auto call = ParseChatCall(
      R"({"model":"m","messages":[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"refusal","refusal":"b"}]}]})",
      GenerationSpec());
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->turns[0].content.reveal(), "ab");
}

TEST(ParseChatCallTest, RefusesBadBodies) {
  for (const char* body : {"", "[]", "{", "nul", R"({"model":"m"})", R"({"model":"m","messages":[]})", R"({"messages":[{"role":"user"}]})",
                           R"({"model":"m","messages":[{"role":"king","content":"x"}]})", R"({"model":"m","messages":[{"content":"x"}]})",
                           R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]})", R"({"model":"m"} x)"}) {
    const auto call = ParseChatCall(body, GenerationSpec());
    ASSERT_FALSE(call.ok()) << body;
    EXPECT_EQ(call.status().code(), absl::StatusCode::kInvalidArgument) << body;
    EXPECT_GT(call.status().message().size(), 10u);
  }
}

TEST(ParseChatCallTest, BoundsDepth) {
  std::string deep(1000, '[');
  EXPECT_FALSE(Chat(",\"x\":" + deep).ok());
}

TEST(ParseCompletionCallTest, TakesTextAndIds) {
  auto call = ParseCompletionCall(R"({"model":"m","prompt":"2+2"})", GenerationSpec());
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(std::get<PrivateText>(call->prompt).reveal(), "2+2");
  EXPECT_EQ(call->generation.max_tokens, 16);
  for (const char* prompt : {"[0,5,7]", "[[0,5,7]]"}) {
    call = ParseCompletionCall(std::string(R"({"model":"m","logprobs":1,"prompt":)") + prompt + "}", GenerationSpec());
    ASSERT_TRUE(call.ok()) << call.status();
    EXPECT_EQ(std::get<std::vector<int32_t>>(call->prompt), (std::vector<int32_t>{0, 5, 7}));
    EXPECT_EQ(call->generation.logprobs, 1);
  }
}

TEST(ParseCompletionCallTest, WhatHasNoEffectIsRefused) {
  const auto parse = [](const std::string& extra) {
    return ParseCompletionCall(R"({"model":"m","prompt":"x","n":2)" + extra + "}", GenerationSpec()).status();
  };
  EXPECT_TRUE(parse(R"(,"best_of":2,"suffix":null)").ok());
  EXPECT_EQ(parse(R"(,"best_of":3)").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(parse(R"(,"best_of":1)").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(parse(R"(,"guided_regex":"y")").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(parse(R"(,"suffix":"y")").code(), absl::StatusCode::kInvalidArgument);
}

TEST(ParseCompletionCallTest, RefusesBadPrompts) {
  for (const char* prompt : {"[]", "[[]]", "[-1]", "[2147483648]", "[0.5]", "[1,\"a\"]", "[\"a\",\"b\"]", "{}", "3", "null"}) {
    const auto call = ParseCompletionCall(std::string(R"({"model":"m","prompt":)") + prompt + "}", GenerationSpec());
    EXPECT_EQ(call.status().code(), absl::StatusCode::kInvalidArgument) << prompt;
  }
}

TEST(ApiErrorTest, HidesInternals) {
  const ApiError error = ToApiError(absl::InternalError("pointer 0x1234"));
  EXPECT_EQ(error.http_status, 500);
  EXPECT_EQ(error.body.find("0x1234"), std::string::npos);
}

TEST(ApiErrorTest, MapsOverload) {
  const ApiError error = ToApiError(absl::ResourceExhaustedError("queue full"));
  EXPECT_EQ(error.http_status, 429);
  EXPECT_GT(error.retry_after_s, 0);
}

}  // namespace
}  // namespace baleen
