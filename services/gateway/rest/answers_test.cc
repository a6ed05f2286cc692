#include "services/gateway/rest/answers.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace baleen {
namespace {

namespace json = boost::json;

class AnswersTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tokenizer = Tokenizer::Load("checkpoints/abacus");
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
  }

  AnswerHead Head(AnswerKind kind, int logprobs = -1) {
    AnswerHead head;
    head.kind = kind;
    head.request_id = "0f";
    head.model = "abacus";
    head.created_unix_s = 12;
    head.logprobs = logprobs;
    head.tokenizer = tokenizer_.get();
    return head;
  }

  int32_t Id(const std::string& text) { return tokenizer_->Encode(text, AddedTokens::kText)[0]; }

  GenerationEvent Event(const std::string& text) {
    GenerationEvent event;
    event.text = PrivateText(text);
    event.tokens.push_back(Token(text, TokenPlace::kText));
    return event;
  }

  TokenChoice Token(const std::string& text, TokenPlace place) {
    return {.token = Id(text),
            .logprob = -0.25f,
            .top = {{Id(text), -0.25f}, {Id("9"), -2.0f}},
            .place = place,
            .text_bytes = place == TokenPlace::kText ? static_cast<int64_t>(text.size()) : 0};
  }

  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(AnswersTest, AWholeChatHasOpenAisShapeAndDeepSeeksUsage) {
  GatheredAnswer answer;
  GenerationEvent thought;
  thought.reasoning = PrivateText("hm");
  answer.Add(thought);
  answer.Add(Event("4"));
  GenerationEvent end;
  end.finish = Finish::kLength;
  answer.Add(end);
  const json::value body = json::parse(WholeBody(Head(AnswerKind::kChat), {answer}, {10, 3, 2, 4}));
  EXPECT_EQ(body.at("id"), "chatcmpl-0f");
  EXPECT_EQ(body.at("object"), "chat.completion");
  EXPECT_EQ(body.at("created"), 12);
  EXPECT_TRUE(body.at("system_fingerprint").is_null());
  const json::value& choice = body.at("choices").at(0);
  EXPECT_EQ(choice.at("index"), 0);
  EXPECT_EQ(choice.at("finish_reason"), "length");
  EXPECT_EQ(choice.at("message"),
            json::value({{"role", "assistant"}, {"content", "4"}, {"refusal", nullptr}, {"reasoning_content", "hm"}}));
  EXPECT_TRUE(choice.at("logprobs").is_null());
  const json::value& usage = body.at("usage");
  EXPECT_EQ(usage.at("prompt_tokens"), 10);
  EXPECT_EQ(usage.at("completion_tokens"), 3);
  EXPECT_EQ(usage.at("total_tokens"), 13);
  EXPECT_EQ(usage.at("prompt_cache_hit_tokens"), 4);
  EXPECT_EQ(usage.at("prompt_cache_miss_tokens"), 6);
  EXPECT_EQ(usage.at("completion_tokens_details").at("reasoning_tokens"), 2);
}

TEST_F(AnswersTest, EveryFinishHasItsName) {
  const std::pair<Finish, const char*> names[] = {{Finish::kStop, "stop"},
                                                  {Finish::kLength, "length"},
                                                  {Finish::kContentFilter, "content_filter"},
                                                  {Finish::kInsufficientResource, "insufficient_system_resource"}};
  for (const auto& [finish, name] : names) {
    GenerationEvent event;
    event.finish = finish;
    ChunkState state;
    EXPECT_EQ(json::parse(ChunkBody(Head(AnswerKind::kChat), event, &state)).at("choices").at(0).at("finish_reason"), name);
  }
}

TEST_F(AnswersTest, ChatLogprobsNameTokenBytesAndAlternatives) {
  GatheredAnswer answer;
  answer.Add(Event("4"));
  const json::value body = json::parse(WholeBody(Head(AnswerKind::kChat, 2), {answer}, {}));
  const json::value& entry = body.at("choices").at(0).at("logprobs").at("content").at(0);
  EXPECT_EQ(entry.at("token"), "4");
  EXPECT_EQ(entry.at("bytes"), json::value(json::array{52}));
  EXPECT_FLOAT_EQ(static_cast<float>(entry.at("logprob").as_double()), -0.25f);
  ASSERT_EQ(entry.at("top_logprobs").as_array().size(), 2u);
  EXPECT_EQ(entry.at("top_logprobs").at(1).at("token"), "9");
}

TEST_F(AnswersTest, CompletionLogprobsAreParallelLists) {
  GatheredAnswer answer;
  answer.Add(Event("4"));
  answer.Add(Event("2"));
  const json::value body = json::parse(WholeBody(Head(AnswerKind::kCompletion, 1), {answer}, {}));
  const json::value& choice = body.at("choices").at(0);
  EXPECT_EQ(choice.at("text"), "42");
  EXPECT_EQ(choice.at("logprobs").at("tokens"), json::value({"4", "2"}));
  EXPECT_EQ(choice.at("logprobs").at("token_logprobs").as_array().size(), 2u);
  EXPECT_EQ(choice.at("logprobs").at("text_offset"), json::value({0, 1}));
  EXPECT_TRUE(choice.at("logprobs").at("top_logprobs").at(0).as_object().contains("4"));
}

TEST_F(AnswersTest, LogprobsGoWithTheTextThatIsShown) {
  GatheredAnswer answer;
  GenerationEvent event;
  event.reasoning = PrivateText("1");
  event.text = PrivateText("2");  // A stop string cut what follows.
  event.tokens = {Token("1", TokenPlace::kReasoning), Token("7", TokenPlace::kNone), Token("2", TokenPlace::kText),
                  Token("3", TokenPlace::kText), Token("8", TokenPlace::kNone)};
  answer.Add(event);
  const json::value whole = json::parse(WholeBody(Head(AnswerKind::kChat, 0), {answer}, {}));
  const json::value& logprobs = whole.at("choices").at(0).at("logprobs");
  ASSERT_EQ(logprobs.at("reasoning_content").as_array().size(), 1u);
  EXPECT_EQ(logprobs.at("reasoning_content").at(0).at("token"), "1");
  ASSERT_EQ(logprobs.at("content").as_array().size(), 1u);
  EXPECT_EQ(logprobs.at("content").at(0).at("token"), "2");
  event.tokens = {Token("2", TokenPlace::kText), Token("3", TokenPlace::kText)};
  GatheredAnswer cut;
  cut.Add(event);
  const json::value completion = json::parse(WholeBody(Head(AnswerKind::kCompletion, 0), {cut}, {}));
  EXPECT_EQ(completion.at("choices").at(0).at("logprobs").at("text_offset"), json::value(json::array{0}));
  GenerationEvent control;
  control.tokens = {Token("7", TokenPlace::kNone)};
  ChunkState state{.begun = true};
  EXPECT_EQ(ChunkBody(Head(AnswerKind::kChat, 0), control, &state), "");
}

TEST_F(AnswersTest, ChunksCarryTheRoleOnceAndNothingEmpty) {
  const AnswerHead head = Head(AnswerKind::kChat);
  ChunkState state;
  const json::value first = json::parse(ChunkBody(head, Event("4"), &state));
  EXPECT_EQ(first.at("object"), "chat.completion.chunk");
  EXPECT_EQ(first.at("choices").at(0).at("delta"), json::value({{"role", "assistant"}, {"content", "4"}}));
  EXPECT_EQ(json::parse(ChunkBody(head, Event("2"), &state)).at("choices").at(0).at("delta"), json::value({{"content", "2"}}));
  GenerationEvent silent = Event("1");
  silent.text = PrivateText();
  EXPECT_EQ(ChunkBody(head, silent, &state), "");
  EXPECT_NE(ChunkBody(Head(AnswerKind::kChat, 0), silent, &state), "");
}

TEST_F(AnswersTest, CompletionChunksGoOnWithTheirOffsets) {
  ChunkState state;
  const AnswerHead head = Head(AnswerKind::kCompletion, 0);
  ChunkBody(head, Event("4"), &state);
  const json::value second = json::parse(ChunkBody(head, Event("2"), &state));
  EXPECT_EQ(second.at("choices").at(0).at("logprobs").at("text_offset"), json::value(json::array{1}));
}

TEST_F(AnswersTest, OffsetsCountCharacters) {
  const std::string text = "ü🙂4";
  GatheredAnswer answer;
  GenerationEvent event;
  event.text = PrivateText(text);
  std::vector<int64_t> begins;
  int64_t characters = 0;
  for (const int32_t id : tokenizer_->Encode(text, AddedTokens::kText)) {
    event.tokens.push_back({.token = id, .logprob = -0.25f, .place = TokenPlace::kText});
    begins.push_back(characters);
    for (const char byte : tokenizer_->TokenBytes(id)) characters += (byte & 0xC0) != 0x80;
  }
  ASSERT_EQ(characters, 3);
  answer.Add(event);
  const json::value body = json::parse(WholeBody(Head(AnswerKind::kCompletion, 0), {answer}, {}));
  EXPECT_EQ(body.at("choices").at(0).at("logprobs").at("text_offset"), json::value_from(begins));
}

TEST_F(AnswersTest, UsageIsNullUntilItFollows) {
  AnswerHead head = Head(AnswerKind::kChat);
  ChunkState state;
  EXPECT_FALSE(json::parse(ChunkBody(head, Event("4"), &state)).as_object().contains("usage"));
  head.usage_follows = true;
  EXPECT_TRUE(json::parse(ChunkBody(head, Event("2"), &state)).at("usage").is_null());
}

TEST_F(AnswersTest, ToolCallsHaveIdsNamesAndArguments) {
  GenerationEvent name, arguments, end;
  name.tool_calls = {{0, PrivateText("add"), PrivateText()}};
  arguments.tool_calls = {{0, PrivateText(), PrivateText("{\"a\":")}, {0, PrivateText(), PrivateText("1}")}};
  end.finish = Finish::kToolCalls;
  const AnswerHead head = Head(AnswerKind::kChat);
  GatheredAnswer answer;
  ChunkState state;
  const json::value first = json::parse(ChunkBody(head, name, &state));
  const json::value& call = first.at("choices").at(0).at("delta").at("tool_calls").at(0);
  EXPECT_EQ(call.at("index"), 0);
  EXPECT_EQ(call.at("id"), "call_0f_0_0");
  EXPECT_EQ(call.at("function").at("name"), "add");
  const json::value second = json::parse(ChunkBody(head, arguments, &state));
  EXPECT_EQ(second.at("choices").at(0).at("delta").at("tool_calls").at(0),
            json::value({{"function", {{"arguments", "{\"a\":"}}}, {"index", 0}}));
  for (const GenerationEvent& event : {name, arguments, end}) answer.Add(event);
  const json::value whole = json::parse(WholeBody(head, {answer}, {}));
  const json::value& message = whole.at("choices").at(0).at("message");
  EXPECT_TRUE(message.at("content").is_null());
  EXPECT_EQ(message.at("tool_calls").at(0).at("function").at("arguments"), "{\"a\":1}");
  EXPECT_EQ(message.at("tool_calls").at(0).at("id"), "call_0f_0_0");
  EXPECT_EQ(whole.at("choices").at(0).at("finish_reason"), "tool_calls");
}

TEST_F(AnswersTest, TheUsageChunkHasNoChoices) {
  const json::value body = json::parse(UsageChunkBody(Head(AnswerKind::kChat), {5, 6, 0, 0}));
  EXPECT_TRUE(body.at("choices").as_array().empty());
  EXPECT_EQ(body.at("usage").at("total_tokens"), 11);
}

}  // namespace
}  // namespace baleen
