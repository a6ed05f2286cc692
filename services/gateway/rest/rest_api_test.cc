#include "services/gateway/rest/rest_api.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <boost/json.hpp>
#include <future>
#include <map>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/gateway/rest/rest_api_fixture.h"

namespace baleen {
namespace {

namespace json = boost::json;

// The data of each server-sent event.
std::vector<std::string> EventData(const std::string& body) {
  std::vector<std::string> data;
  for (absl::string_view line : absl::StrSplit(body, '\n')) {
    if (absl::ConsumePrefix(&line, "data: ")) data.emplace_back(line);
  }
  return data;
}

constexpr char kSampled[] = R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}],"temperature":1})";

TEST_F(RestApiTest, AnswersAChat) {
  const auto answer = Call("POST", "/v1/chat/completions", kChat);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->Header("content-type"), "application/json");
  const json::value body = json::parse(answer->body);
  EXPECT_EQ(body.at("choices").at(0).at("message").at("content"), "4");
  EXPECT_EQ(body.at("choices").at(0).at("message").at("reasoning_content"), "a");
  EXPECT_EQ(std::string(body.at("id").as_string()), "chatcmpl-" + answer->Header("x-request-id"));
  EXPECT_EQ(body.at("system_fingerprint"), "fp_n1");
}

TEST_F(RestApiTest, ALongPromptHoldsUpNobodyElse) {
  std::promise<void> begun, go;
  ASSERT_TRUE(texts_
                  .Run("other", 10 << 10,
                       [&] {
                         begun.set_value();
                         go.get_future().wait();
                       })
                  .ok());
  begun.get_future().wait();
  const std::string text(10 << 10, ' ');
  const auto late = Call("POST", "/v1/chat/completions", absl::StrCat(kChat, text));
  const auto tokens = Call("POST", "/tokenize", absl::StrCat(R"({"text":"12"})", text));
  EXPECT_EQ(late->status, 0);
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat)->status, 200);
  EXPECT_EQ(Call("POST", "/tokenize", R"({"text":"12"})")->status, 200);
  go.set_value();
  std::promise<void> worked_off;
  ASSERT_TRUE(texts_.Run("other", 10 << 10, [&] { worked_off.set_value(); }).ok());
  worked_off.get_future().wait();
  EXPECT_EQ(late->status, 200);
  EXPECT_EQ(tokens->status, 200);
  EXPECT_EQ(json::parse(tokens->body).at("count"), 3);
}

TEST_F(RestApiTest, StreamsNumberedEventsToDone) {
  const auto answer = Call("POST", "/v1/chat/completions", kChatStream);
  EXPECT_EQ(answer->Header("content-type"), "text/event-stream");
  EXPECT_TRUE(answer->ended);
  const std::vector<std::string> events = EventData(answer->body);
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.back(), "[DONE]");
  EXPECT_TRUE(json::parse(events[events.size() - 2]).at("choices").as_array().empty());
  for (size_t i = 0; i + 1 < events.size(); ++i) EXPECT_EQ(json::parse(events[i]).at("system_fingerprint"), "fp_n1");
  std::string content;
  for (size_t i = 0; i + 2 < events.size(); ++i) {
    const json::value event = json::parse(events[i]);
    const json::value& delta = event.at("choices").at(0).at("delta");
    if (const json::value* text = delta.as_object().if_contains("content")) content += std::string(text->as_string());
    EXPECT_EQ(delta.as_object().contains("role"), i == 0);
    EXPECT_TRUE(absl::StrContains(answer->body, absl::StrCat("id: ", i, "\ndata: ", events[i], "\n\n")));
  }
  EXPECT_EQ(content, "4");
}

TEST_F(RestApiTest, ARequestThatCannotStartHasItsOwnStatus) {
  Answer({{}, v1::FINISH_REASON_STOP, 0, absl::ResourceExhaustedError("The queue is full.")});
  for (const char* body : {kChat, kChatStream}) {
    const auto answer = Call("POST", "/v1/chat/completions", body);
    EXPECT_EQ(answer->status, 429);
    EXPECT_EQ(answer->Header("retry-after"), "1");
    EXPECT_EQ(json::parse(answer->body).at("error").at("message"), "The queue is full.");
  }
}

TEST_F(RestApiTest, AClientThatLeavesFreesItsSequence) {
  DecodeScript waits;
  waits.silent = true;
  Answer(waits);
  const auto answer = Call("POST", "/v1/chat/completions", kChatStream);
  EXPECT_EQ(answer->status, 0);
  ASSERT_TRUE(answer->disconnect);
  answer->disconnect();
  EXPECT_EQ(decode_->cancelled(), 1);
}

TEST_F(RestApiTest, AWaitingStreamIsKeptAlive) {
  DecodeScript waits;
  waits.silent = true;
  Answer(waits);
  const auto answer = Call("POST", "/v1/chat/completions", kChatStream);
  ASSERT_TRUE(answer->every);
  EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, ": keep-alive\n\n");
  Answer({Ids("a\n</think>\n\n4")});
  const auto answered = Call("POST", "/v1/chat/completions", kChatStream);
  EXPECT_FALSE(answered->every && answered->every());
}

TEST_F(RestApiTest, AResumableStreamIsNeverSilentForLong) {
  DecodeScript waits{.tokens = Ids("a")};
  waits.silent = true;
  Answer(waits);
  const auto answer = Call("POST", "/v1/chat/completions", kChatStream, {{"x-baleen-resumable", "1"}});
  ASSERT_TRUE(answer->every);
  const std::string begun = answer->body;
  EXPECT_TRUE(absl::StrContains(begun, "data: ")) << "the first token";
  EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->body, begun) << "it has just spoken";
  EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->body, begun + ": keep-alive\n\n");
  answer->backpressure(true);
  EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->body, begun + ": keep-alive\n\n") << "nothing more for who does not read";
  answer->backpressure(false);
  EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->body, begun + ": keep-alive\n\n: keep-alive\n\n");
}

TEST_F(RestApiTest, NoCommentFollowsTheEndOfAResumableStream) {
  const absl::Status failure = absl::InvalidArgumentError("bad seed");
  const DecodeScript done{.tokens = Ids("a\n</think>\n\n4")};
  const DecodeScript fails{.tokens = done.tokens, .failure = failure, .failure_after = 1};
  const DecodeScript refused{.failure = failure};
  for (const DecodeScript& script : {done, fails, refused}) {
    Answer(script);
    const auto answer = Call("POST", "/v1/chat/completions", kChatStream, {{"x-baleen-resumable", "1"}});
    EXPECT_TRUE(answer->ended);
    ASSERT_TRUE(answer->every);
    EXPECT_FALSE(answer->every()) << answer->body;
  }
}

TEST_F(RestApiTest, NoCommentBeginsAResumableStreamBeforeOthers) {
  DecodeScript waits;
  waits.silent = true;
  Answer(waits);
  const auto answer = Call("POST", "/v1/chat/completions", kChatStream, {{"x-baleen-resumable", "1"}});
  ASSERT_TRUE(answer->every);
  for (int quarter = 1; quarter < 40; ++quarter) EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->status, 0) << "it may yet be refused with a status";
  EXPECT_TRUE(answer->every());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, ": keep-alive\n\n");
}

TEST_F(RestApiTest, EveryChoiceIsAnswered) {
  const std::string body = R"({"model":"abacus","n":3,"messages":[{"role":"user","content":"2+2"}])";
  const json::value whole = json::parse(Call("POST", "/v1/chat/completions", body + "}")->body);
  ASSERT_EQ(whole.at("choices").as_array().size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(whole.at("choices").at(static_cast<size_t>(i)).at("index"), i);
    EXPECT_EQ(whole.at("choices").at(static_cast<size_t>(i)).at("message").at("content"), "4");
  }
  const std::vector<std::string> events = EventData(Call("POST", "/v1/chat/completions", body + R"(,"stream":true})")->body);
  int finished = 0;
  for (const std::string& data : events) finished += absl::StrContains(data, R"("finish_reason":"stop")");
  EXPECT_EQ(finished, 3);
  EXPECT_EQ(events.back(), "[DONE]");
  for (size_t i = 0; i < 3; ++i) {
    const json::value choice = json::parse(events.at(i)).at("choices").at(0);
    EXPECT_EQ(choice.at("index"), i);
    EXPECT_EQ(choice.at("delta"), json::value({{"role", "assistant"}, {"content", ""}}));
  }
}

struct StreamEvent {
  std::string id;
  std::string data;
};

std::vector<StreamEvent> Events(const std::string& body) {
  std::vector<StreamEvent> events;
  for (const absl::string_view block : absl::StrSplit(body, "\n\n", absl::SkipEmpty())) {
    StreamEvent& event = events.emplace_back();
    for (absl::string_view line : absl::StrSplit(block, '\n')) {
      if (absl::ConsumePrefix(&line, "id: ")) event.id = std::string(line);
      if (absl::ConsumePrefix(&line, "data: ")) event.data = std::string(line);
    }
  }
  return events;
}

// Choices go on beside each other, so only each one's events have an order. Those of the whole request are under -1.
std::map<int64_t, std::vector<std::string>> ByChoice(const std::vector<StreamEvent>& events) {
  std::map<int64_t, std::vector<std::string>> result;
  for (const StreamEvent& event : events) {
    const json::value body = event.data == "[DONE]" ? json::value() : json::parse(event.data);
    const bool of_choice = body.is_object() && !body.at("choices").as_array().empty();
    result[of_choice ? body.at("choices").at(0).at("index").as_int64() : -1].push_back(event.data);
  }
  return result;
}

TEST_F(RestApiTest, TheRestOfAResumedStreamIsExactWhereverItsGatewayDied) {
  Answer({Ids("One, two, three.\n</think>\n\nFour, five.")});
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const uint32_t choices = 1 + random() % 3;
    const std::string options = absl::StrCat(R"(,"n":)", choices, random() % 2 == 0 ? R"(,"logprobs":true)" : "", "}");
    std::string body = kChatStream;
    body.replace(body.rfind('}'), 1, options);
    const auto first = Call("POST", "/v1/chat/completions", body, {{"x-baleen-resumable", "1"}});
    ASSERT_EQ(first->status, 200) << first->body;
    const std::vector<StreamEvent> all = Events(first->body);
    KeptTokens kept;
    for (uint32_t choice = random() % choices; choice < choices; ++choice) kept[choice] = random() % 20;
    recall_->Keep(kept);
    std::vector<StreamEvent> told(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(random() % (all.size() + 1)));
    while (!told.empty() && told.back().id.empty()) told.pop_back();  // Without an id the stream is told anew.
    HttpHeaders headers;
    if (!told.empty()) headers = {{"last-event-id", told.back().id}};
    const auto rest = Call("GET", absl::StrCat("/v1/requests/", first->Header("x-request-id"), "/events"), "", headers);
    ASSERT_EQ(rest->status, 200) << rest->body;
    for (StreamEvent& event : Events(rest->body)) told.push_back(std::move(event));
    EXPECT_EQ(ByChoice(told), ByChoice(all));
    EXPECT_EQ(told.back().data, "[DONE]");
    EXPECT_EQ(told.back().id, all.back().id);
  }
}

TEST_F(RestApiTest, AnEventThatNeverWasIsNoneToGoOnAfter) {
  recall_->Keep({{0, 20}, {1, 20}});
  for (const char* choices : {R"("n":1)", R"("n":2)"}) {
    std::string body = kChatStream;
    body.replace(body.rfind('}'), 1, absl::StrCat(",", choices, "}"));
    const auto first = Call("POST", "/v1/chat/completions", body, {{"x-baleen-resumable", "1"}});
    const std::vector<StreamEvent> all = Events(first->body);
    const std::string path = absl::StrCat("/v1/requests/", first->Header("x-request-id"), "/events");
    const auto nothing_left = Call("GET", path, "", {{"last-event-id", all.back().id}});
    EXPECT_EQ(nothing_left->status, 200) << nothing_left->body;
    EXPECT_EQ(nothing_left->body, "");
    EXPECT_TRUE(nothing_left->ended);
    for (const char* count : {"999", "99999", "x"}) {
      const size_t starts = decode_->starts().size();
      std::string beyond = all.back().id;
      beyond.replace(0, beyond.find('.'), count);
      const auto refused = Call("GET", path, "", {{"last-event-id", beyond}});
      EXPECT_EQ(refused->status, 400) << refused->body;
      EXPECT_TRUE(absl::StrContains(refused->body, "Last-Event-ID")) << refused->body;
      EXPECT_EQ(refused->Header("x-request-id"), first->Header("x-request-id"));
      // More events than any answer can have are refused without its tokens.
      EXPECT_EQ(decode_->starts().size() > starts, std::string(count) == "999") << count;
    }
  }
}

TEST_F(RestApiTest, AResumableRequestSentTwiceUnderOneIdIsOneAnswer) {
  const std::string seeded = R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}],"seed":3})";
  const auto seed = [&](const std::string& id, const std::string& resumable, const std::string& body) {
    EXPECT_EQ(Call("POST", "/v1/chat/completions", body, {{"x-request-id", id}, {"x-baleen-resumable", resumable}})->status, 200);
    return decode_->starts().back().sampling().seed();
  };
  const std::string id(32, 'a');
  const uint64_t drawn = seed(id, "1", kChat);
  EXPECT_EQ(seed(id, "1", kChat), drawn);
  EXPECT_NE(seed(std::string(32, 'b'), "1", kChat), drawn);
  EXPECT_NE(seed(id, "0", kChat), drawn);
  EXPECT_EQ(seed(id, "1", seeded), 3u);
}

TEST_F(RestApiTest, AnErrorIsNoEventThatAClientGoesOnAfter) {
  DecodeScript fails{Ids("a b c")};
  fails.failure = absl::InvalidArgumentError("no");
  fails.failure_after = 2;
  Answer(fails);
  const std::string body = Call("POST", "/v1/chat/completions", kChatStream)->body;
  EXPECT_TRUE(absl::StrContains(body, "id: 1\n")) << body;
  EXPECT_FALSE(absl::StrContains(body, "id: 2\n")) << body;
  EXPECT_TRUE(absl::StrContains(body, "\n\ndata: {\"error\"")) << body;
}

TEST_F(RestApiTest, SamplingFieldsReachTheWorker) {
  const auto answer = Call("POST", "/v1/chat/completions", R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}],"min_p":0.5,
      "presence_penalty":-1,"frequency_penalty":2,"repetition_penalty":1.5,"logit_bias":{"5":-100},
      "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"integer"}}}})");
  EXPECT_EQ(answer->status, 200) << answer->body;
  const v1::SamplingParams sampling = decode_->starts().at(0).sampling();
  EXPECT_EQ(sampling.min_p(), 0.5f);
  EXPECT_EQ(sampling.presence_penalty(), -1);
  EXPECT_EQ(sampling.frequency_penalty(), 2);
  EXPECT_EQ(sampling.repetition_penalty(), 1.5f);
  ASSERT_EQ(sampling.logit_bias_size(), 1);
  EXPECT_EQ(sampling.logit_bias(0).token(), 5u);
  EXPECT_EQ(sampling.grammar().alternatives(0).pieces(0).json_schema(), R"({"type":"integer"})");
  EXPECT_EQ(static_cast<int32_t>(sampling.grammar().after_token()), *model_->tokenizer->AddedTokenId("</think>"));
}

constexpr char kTools[] = R"("tools":[{"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object"}}}])";

TEST_F(RestApiTest, ToolCallsAreTakenOutOfTheText) {
  Answer(
      {Ids("hm\n</think>\n\nSo.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{\"a\": 1}\n```"
           "<｜tool▁call▁end｜><｜tool▁calls▁end｜>")});
  const std::string body = absl::StrCat(R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}],)", kTools);
  const json::value whole = json::parse(Call("POST", "/v1/chat/completions", body + "}")->body);
  const json::value& choice = whole.at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
  EXPECT_EQ(choice.at("message").at("content"), "So.");
  EXPECT_EQ(choice.at("message").at("tool_calls").at(0).at("function"), json::value({{"name", "add"}, {"arguments", "{\"a\": 1}"}}));
  const auto stream = Call("POST", "/v1/chat/completions", body + R"(,"stream":true})");
  std::string arguments;
  for (const std::string& data : EventData(stream->body)) {
    if (data == "[DONE]") continue;
    const json::value event = json::parse(data);
    const json::value* calls = event.at("choices").at(0).at("delta").as_object().if_contains("tool_calls");
    if (calls == nullptr) continue;
    for (const json::value& call : calls->as_array()) arguments += std::string(call.at("function").at("arguments").as_string());
  }
  EXPECT_EQ(arguments, "{\"a\": 1}");
  // Without tools the same tokens are text.
  const json::value plain = json::parse(Call("POST", "/v1/chat/completions", kChat)->body);
  EXPECT_FALSE(plain.at("choices").at(0).at("message").as_object().contains("tool_calls"));
}

TEST_F(RestApiTest, ARequiredCallIsAGrammar) {
  const std::string body =
      absl::StrCat(R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}],"tool_choice":"required",)", kTools, "}");
  EXPECT_EQ(Call("POST", "/v1/chat/completions", body)->status, 200);
  const v1::Grammar grammar = decode_->starts().at(0).sampling().grammar();
  ASSERT_EQ(grammar.alternatives_size(), 1);
  EXPECT_EQ(grammar.alternatives(0).pieces_size(), 9);
}

TEST_F(RestApiTest, EchoBeginsWithThePrompt) {
  Answer({Ids("=4")});
  const json::value body = json::parse(Call("POST", "/v1/completions", R"({"model":"abacus","prompt":"2+2","echo":true,"n":2})")->body);
  EXPECT_EQ(body.at("choices").at(0).at("text"), "2+2=4");
  EXPECT_EQ(body.at("choices").at(1).at("text"), "2+2=4");
}

TEST_F(RestApiTest, CompletesText) {
  Answer({Ids("= 4")});
  const auto answer = Call("POST", "/v1/completions", R"({"model":"abacus","prompt":"2+2","logprobs":1})");
  const json::value body = json::parse(answer->body);
  EXPECT_EQ(body.at("object"), "text_completion");
  EXPECT_EQ(body.at("choices").at(0).at("text"), "= 4");
  EXPECT_EQ(body.at("choices").at(0).at("logprobs").at("tokens").as_array().size(), 3u);
}

TEST_F(RestApiTest, ListsModels) {
  const json::value list = json::parse(Call("GET", "/v1/models")->body);
  EXPECT_EQ(list.at("data").at(0).at("id"), "abacus");
  EXPECT_EQ(json::parse(Call("GET", "/v1/models/abacus")->body).at("id"), "abacus");
  EXPECT_EQ(Call("GET", "/v1/models/gpt")->status, 404);
}

TEST_F(RestApiTest, TokenizesAndBack) {
  const json::value tokens = json::parse(Call("POST", "/tokenize", R"({"prompt":"<think>1","add_special_tokens":false})")->body);
  EXPECT_EQ(tokens.at("count"), 8);
  const json::value text = json::parse(Call("POST", "/detokenize", json::serialize(json::object{{"tokens", tokens.at("tokens")}}))->body);
  EXPECT_EQ(text.at("prompt"), "<think>1");
  EXPECT_EQ(Call("POST", "/detokenize", R"({"tokens":[-1]})")->status, 400);
  EXPECT_EQ(Call("POST", "/detokenize", R"({"tokens":[1e300]})")->status, 400);
  EXPECT_EQ(Call("POST", "/tokenize", "{}")->status, 400);
}

TEST_F(RestApiTest, AChatsTokensAreThoseOfItsPrompt) {
  const std::string chat = R"("messages":[{"role":"user","content":"1+1"}],"tools":[{"function":{"name":"add"}}]})";
  const json::value tokens = json::parse(Call("POST", "/tokenize", "{" + chat)->body);
  const json::value answer = json::parse(Call("POST", "/v1/chat/completions", R"({"model":"abacus","max_tokens":1,)" + chat)->body);
  EXPECT_EQ(tokens.at("count").as_int64(), answer.at("usage").at("prompt_tokens").as_int64()) << json::serialize(tokens);
  EXPECT_EQ(static_cast<size_t>(tokens.at("count").as_int64()), tokens.at("tokens").as_array().size());
  const auto refused = Call("POST", "/tokenize", R"({"messages":[{"role":"king","content":"1"}]})");
  EXPECT_EQ(refused->status, 400);
  EXPECT_TRUE(absl::StrContains(refused->body, "messages[0].role")) << refused->body;
}

TEST_F(RestApiTest, TellsWhatItTakes) {
  const auto method = Call("GET", "/v1/chat/completions");
  EXPECT_EQ(method->status, 405);
  EXPECT_EQ(method->Header("allow"), "POST");
  const auto path = Call("GET", "/v2/../etc/passwd");
  EXPECT_EQ(path->status, 404);
  EXPECT_TRUE(absl::StrContains(path->body, "There is no GET"));
  std::string long_path = "/";
  while (long_path.size() < 200) long_path += "\xC3\xA9";
  const std::string sentence(json::parse(Call("GET", long_path)->body).at("error").at("message").as_string());
  EXPECT_TRUE(absl::EndsWith(sentence, "\xC3\xA9 here.")) << sentence;
}

TEST_F(RestApiTest, HeadIsTakenWhereGetIs) {
  for (const char* path : {"/", "/page/app.js", "/livez", "/readyz", "/health", "/v1/models", "/v1/models/abacus", "/openapi.json"}) {
    const auto head = Call("HEAD", path);
    EXPECT_EQ(head->status, 200) << path;
    EXPECT_EQ(head->headers, Call("GET", path)->headers) << path;
  }
  EXPECT_EQ(Call("POST", "/v1/models")->Header("allow"), "GET, HEAD");
  EXPECT_EQ(Call("HEAD", "/v1/chat/completions")->status, 405);
  // It would take the stream away from who reads it.
  EXPECT_EQ(Call("HEAD", "/v1/requests/000102030405060708090a0b0c0d0e0f/events")->Header("allow"), "GET");
}

TEST_F(RestApiTest, DeepSeeksBaseUrlsLeadToTheSameRoutes) {
  const std::string model = Call("GET", "/v1/models/abacus")->body;
  for (const char* root : {"", "/beta"}) {
    EXPECT_EQ(Call("POST", absl::StrCat(root, "/chat/completions"), kChat)->status, 200) << root;
    EXPECT_EQ(Call("POST", absl::StrCat(root, "/completions"), R"({"model":"abacus","prompt":"1"})")->status, 200) << root;
    EXPECT_EQ(Call("GET", absl::StrCat(root, "/models"))->body, Call("GET", "/v1/models")->body) << root;
    EXPECT_EQ(Call("GET", absl::StrCat(root, "/models/abacus"))->body, model) << root;
    EXPECT_EQ(Call("GET", absl::StrCat(root, "/chat/completions"))->status, 405) << root;
  }
  for (const char* path :
       {"/usage", "/cluster", "/beta", "/beta/tokenize", "/beta/v1/models", "/beta/beta/models", "/betamodels", "/v1/v1/models"}) {
    EXPECT_EQ(Call("GET", path)->status, 404) << path;
  }
}

// What a request is known by does not depend on the base URL that its client used.
TEST_F(RestApiTest, ARequestIsTheSameUnderEveryBaseUrl) {
  const HttpHeaders key = {{"idempotency-key", "k"}};
  const auto first = Call("POST", "/chat/completions", kSampled, key);
  ASSERT_EQ(first->status, 200) << first->body;
  EXPECT_EQ(Call("POST", "/beta/chat/completions", kSampled, key)->body, first->body);
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kSampled, key)->body, first->body);
  const auto stream = Call("POST", "/beta/chat/completions", kChatStream, {{"x-baleen-resumable", "1"}});
  recall_->Keep({{0, 20}});
  const auto rest = Call("GET", absl::StrCat("/v1/requests/", stream->Header("x-request-id"), "/events"), "", {{"last-event-id", "1"}});
  EXPECT_EQ(rest->status, 200) << rest->body;
  EXPECT_TRUE(absl::EndsWith(stream->body, rest->body));
}

TEST_F(RestApiTest, ABodyThatSaysToBeNoJsonIsRefused) {
  const auto ask = [this](const char* type) { return Call("POST", "/v1/chat/completions", kChat, {{"content-type", type}})->status; };
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", "application/json ;x"}) {
    EXPECT_EQ(ask(type), 200) << type;
  }
  for (const char* type : {"application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "multipart/form-data; boundary=x", "text/json",
                           "", "application/jsonp", "text/plain, application/json"}) {
    EXPECT_EQ(ask(type), 415) << type;
  }
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat)->status, 200);
  EXPECT_EQ(Call("GET", "/v1/models", "", {{"content-type", "text/plain"}})->status, 200);
  EXPECT_TRUE(absl::StrContains(Call("POST", "/tokenize", "{}", {{"content-type", "text/plain"}})->body, "application/json"));
}

TEST_F(RestApiTest, ThePageAndItsPartsAreServed) {
  EXPECT_EQ(Call("GET", "/")->Header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(Call("GET", "/page/app.js")->status, 200);
  const auto missing = Call("GET", "/page/../main.cc");
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->Header("content-type"), "application/json");
}

TEST_F(RestApiTest, WithoutPlacementNobodyKnowsTheCluster) { EXPECT_EQ(Call("GET", "/v1/cluster")->status, 503); }

TEST_F(RestApiTest, ReadinessTellsTheTruth) {
  EXPECT_EQ(Call("GET", "/readyz")->status, 200);
  EXPECT_EQ(Call("GET", "/health")->status, 200);
  readiness_ = absl::UnavailableError("no decode worker is ready");
  const auto answer = Call("GET", "/readyz");
  EXPECT_EQ(answer->status, 503);
  EXPECT_TRUE(absl::StrContains(answer->body, "no decode worker"));
  EXPECT_EQ(Call("GET", "/livez")->status, 200);
}

TEST_F(RestApiTest, ARepeatUnderAnIdempotencyKeyIsTheSameAnswer) {
  const HttpHeaders key = {{"idempotency-key", "k"}};
  const auto first = Call("POST", "/v1/chat/completions", kSampled, key);
  const auto repeat = Call("POST", "/v1/chat/completions", kSampled, key);
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(repeat->body, first->body);
  EXPECT_EQ(repeat->Header("x-request-id"), first->Header("x-request-id"));
  const std::vector<v1::StartSequence> starts = decode_->starts();
  ASSERT_EQ(starts.size(), 2u);
  EXPECT_EQ(starts[0].sampling().seed(), starts[1].sampling().seed());
  EXPECT_NE(starts[0].context().request_id(), starts[1].context().request_id());
  Call("POST", "/v1/chat/completions", kSampled, {{"idempotency-key", "l"}});
  EXPECT_NE(decode_->starts()[2].sampling().seed(), starts[0].sampling().seed());
}

TEST_F(RestApiTest, AStreamIsRepeatedEventByEvent) {
  const HttpHeaders key = {{"idempotency-key", "k"}};
  const auto first = Call("POST", "/v1/chat/completions", kChatStream, key);
  EXPECT_EQ(EventData(first->body).back(), "[DONE]");
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChatStream, key)->body, first->body);
}

TEST_F(RestApiTest, AnIdempotencyKeyStandsForOneRequest) {
  const HttpHeaders key = {{"idempotency-key", "k"}};
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, key)->status, 200);
  const auto other = Call("POST", "/v1/chat/completions", kSampled, key);
  EXPECT_EQ(other->status, 409);
  EXPECT_EQ(json::parse(other->body).at("error").at("code"), "idempotency_key_reused");
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kSampled, {{"idempotency-key", "k"}, {"authorization", "Bearer a"}})->status, 200);
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, {{"idempotency-key", std::string(256, 'k')}})->status, 400);
}

TEST_F(RestApiTest, AnEmptyIdempotencyKeyIsNone) {
  const auto refused = Call("POST", "/v1/chat/completions", kChat, {{"idempotency-key", ""}});
  EXPECT_EQ(refused->status, 400);
  EXPECT_TRUE(absl::StrContains(refused->body, "1 to 255")) << refused->body;
}

TEST_F(RestApiTest, OneRequestAtATimeUnderAnIdempotencyKey) {
  DecodeScript waits;
  waits.silent = true;
  Answer(waits);
  const HttpHeaders key = {{"idempotency-key", "k"}};
  const auto first = Call("POST", "/v1/chat/completions", kChat, key);
  const auto second = Call("POST", "/v1/chat/completions", kChat, key);
  EXPECT_EQ(second->status, 409);
  EXPECT_EQ(second->Header("retry-after"), "1");
  EXPECT_EQ(json::parse(second->body).at("error").at("code"), "idempotency_key_in_use");
  // The client left before anything came: the key is free.
  first->disconnect();
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kSampled, key)->status, 0);
}

TEST_F(RestApiTest, ARefusedRequestLeavesItsIdempotencyKeyFree) {
  const HttpHeaders key = {{"idempotency-key", "k"}};
  EXPECT_EQ(Call("POST", "/v1/chat/completions", "{", key)->status, 400);
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, key)->status, 200);
}

TEST_F(RestApiTest, RefusalsAreTimed) {
  const auto timed = [this] {
    for (const prometheus::MetricFamily& family : registry_.Collect()) {
      if (family.name == "baleen_request_refusal_seconds") return family.metric.at(0).histogram.sample_count;
    }
    return uint64_t{0};
  };
  Call("POST", "/v1/chat/completions", kChat);
  EXPECT_EQ(timed(), 0u);
  Call("POST", "/v1/chat/completions", "{");
  Call("GET", "/nothing");
  EXPECT_EQ(timed(), 2u);
}

}  // namespace
}  // namespace baleen
