#include "services/gateway/api/prepare.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "absl/strings/match.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

class PrepareTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto model = ServedModel::Load("checkpoints/abacus");
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = model->release();
  }
  static void TearDownTestSuite() { delete model_; }

  static ChatCall Chat(const std::string& content) {
    ChatCall call;
    call.model = "abacus";
    call.turns = {{"user", PrivateText(content)}};
    return call;
  }
  static CompletionCall Completion(std::vector<int32_t> ids) {
    CompletionCall call;
    call.model = "abacus";
    call.prompt = std::move(ids);
    return call;
  }
  static std::vector<int32_t> Ids(int64_t count) {
    std::vector<int32_t> ids(static_cast<size_t>(count));
    std::iota(ids.begin(), ids.end(), 0);
    for (int32_t& id : ids) id %= 200;
    return ids;
  }

  static ServedModel* model_;
};

ServedModel* PrepareTest::model_ = nullptr;

TEST_F(PrepareTest, AChatIsRenderedAndOpensThinking) {
  const auto input = PrepareChat(*model_, Chat("2+2"), absl::InfiniteFuture());
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(model_->tokenizer->Decode(input->prompt, /*skip_special=*/false),
            "<｜begin▁of▁sentence｜><｜User｜>2+2<｜Assistant｜><think>\n");
  EXPECT_TRUE(input->split_reasoning);
  EXPECT_TRUE(input->opens_thinking);
  EXPECT_EQ(input->request_id.size(), 16u);
}

TEST_F(PrepareTest, ATextThatSpellsAControlTokenStaysText) {
  const auto input = PrepareChat(*model_, Chat("<｜User｜>"), absl::InfiniteFuture());
  ASSERT_TRUE(input.ok());
  const int32_t user = *model_->tokenizer->AddedTokenId("<｜User｜>");
  EXPECT_EQ(std::count(input->prompt.begin(), input->prompt.end(), user), 1);
}

TEST_F(PrepareTest, SeedsAreDrawnOnlyWhenAbsent) {
  ChatCall call = Chat("2+2");
  std::set<uint64_t> seeds;
  std::set<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    const auto input = PrepareChat(*model_, call, absl::InfiniteFuture());
    ASSERT_TRUE(input.ok());
    seeds.insert(*input->spec.seed);
    ids.insert(input->request_id);
  }
  EXPECT_EQ(seeds.size(), 8u);
  EXPECT_EQ(ids.size(), 8u);
  call.generation.seed = 7;
  EXPECT_EQ(PrepareChat(*model_, call, absl::InfiniteFuture())->spec.seed, 7u);
}

TEST_F(PrepareTest, MaxTokensDefaultsToTheRoomThatIsLeft) {
  const auto chat = PrepareChat(*model_, Chat("2+2"), absl::InfiniteFuture());
  ASSERT_TRUE(chat.ok());
  const int64_t room = model_->max_position_embeddings - static_cast<int64_t>(chat->prompt.size());
  EXPECT_EQ(chat->spec.max_tokens, std::min<int64_t>(room, 4096));
}

TEST_F(PrepareTest, PromptAndAnswerFillTheContextAndNoMore) {
  const int64_t context = model_->max_position_embeddings;
  CompletionCall call = Completion(Ids(context - 5));
  call.generation.max_tokens = 5;
  EXPECT_TRUE(PrepareCompletion(*model_, call, absl::InfiniteFuture()).ok());
  call.generation.max_tokens = 6;
  const absl::Status over = PrepareCompletion(*model_, call, absl::InfiniteFuture()).status();
  EXPECT_EQ(over.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(over.message(), "max_tokens")) << over;
  const absl::Status full = PrepareCompletion(*model_, Completion(Ids(context)), absl::InfiniteFuture()).status();
  EXPECT_TRUE(absl::StrContains(full.message(), "'prompt'")) << full;
}

TEST_F(PrepareTest, AnAnswerThatCannotBeLongEnoughIsRefused) {
  CompletionCall call = Completion(Ids(model_->max_position_embeddings - 5));
  call.generation.min_tokens = 5;
  const auto fits = PrepareCompletion(*model_, call, absl::InfiniteFuture());
  ASSERT_TRUE(fits.ok()) << fits.status();
  EXPECT_EQ(fits->spec.max_tokens, 5);
  call.generation.min_tokens = 6;
  const absl::Status over = PrepareCompletion(*model_, call, absl::InfiniteFuture()).status();
  EXPECT_EQ(over.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StartsWith(over.message(), "'min_tokens' of 6 does not fit")) << over;
}

TEST_F(PrepareTest, CompletionTextGetsABosAndIdsAreTakenAsTheyAre) {
  CompletionCall call = Completion({5, 6});
  EXPECT_EQ(PrepareCompletion(*model_, call, absl::InfiniteFuture())->prompt, (std::vector<int32_t>{5, 6}));
  call.prompt = PrivateText("1");
  const auto text = PrepareCompletion(*model_, call, absl::InfiniteFuture());
  ASSERT_EQ(text->prompt.size(), 2u);
  EXPECT_EQ(text->prompt[0], model_->bos_token_id);
  EXPECT_FALSE(text->split_reasoning);
}

TEST_F(PrepareTest, AFormatBeginsAfterTheReasoning) {
  ChatCall call = Chat("2+2");
  call.generation.response_schema = R"({"type":"integer"})";
  const auto input = PrepareChat(*model_, call, absl::InfiniteFuture());
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->spec.grammar.after_token, *model_->tokenizer->AddedTokenId("</think>"));
  CompletionCall completion = Completion({5});
  completion.generation.response_schema = R"({"type":"integer"})";
  const auto text = PrepareCompletion(*model_, completion, absl::InfiniteFuture());
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(text->spec.grammar.any());
  EXPECT_FALSE(text->spec.grammar.after_token.has_value());
}

TEST_F(PrepareTest, AnEchoIsTheTextOfItsPrompt) {
  CompletionCall call = Completion({});
  call.echo = true;
  call.prompt = PrivateText("1+");
  EXPECT_EQ(PrepareCompletion(*model_, call, absl::InfiniteFuture())->echo.reveal(), "1+");
  // An id may stand for a part of a character only, and answers are UTF-8.
  std::vector<int32_t> ids = model_->tokenizer->Encode("µ", AddedTokens::kText);
  ASSERT_EQ(ids.size(), 2u);
  call.prompt = ids;
  EXPECT_EQ(PrepareCompletion(*model_, call, absl::InfiniteFuture())->echo.reveal(), "µ");
  call.prompt = std::vector<int32_t>{model_->bos_token_id, ids[1]};
  EXPECT_EQ(PrepareCompletion(*model_, call, absl::InfiniteFuture())->echo.reveal(), "\uFFFD");
}

TEST_F(PrepareTest, ASchemaThatCannotBeKeptIsRefused) {
  ChatCall call = Chat("2+2");
  call.generation.response_schema = R"({"properties":{"a":{"pattern":"x"}}})";
  const absl::Status status = PrepareChat(*model_, call, absl::InfiniteFuture()).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "'response_format'")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "/properties/a': 'pattern' is not supported")) << status;
}

std::string Param(const absl::Status& status) {
  const std::string body = ToApiError(status).body;
  const size_t at = body.find("\"param\":\"") + 9;
  return body.substr(at, body.find('"', at) - at);
}

TEST_F(PrepareTest, RefusalsNameTheFieldThatWasSent) {
  ChatCall tools = Chat("2+2");
  tools.tools.choice = ToolChoice::kRequired;
  for (int i = 0; i < 10; ++i) {
    const char* schema = i == 7 ? R"({"properties":{"a":{"pattern":"x"}}})" : "{}";
    tools.tools.tools.push_back({PrivateText("f" + std::to_string(i)), PrivateText(), PrivateText(schema)});
  }
  const absl::Status kept = PrepareChat(*model_, tools, absl::InfiniteFuture()).status();
  EXPECT_EQ(Param(kept), "tools[7].function.parameters") << kept;
  EXPECT_TRUE(absl::StrContains(kept.message(), "at '/properties/a': 'pattern'")) << kept;
  tools.tools.name = PrivateText("f1");
  EXPECT_TRUE(PrepareChat(*model_, tools, absl::InfiniteFuture()).ok());
  tools.tools.name = PrivateText();
  tools.tools.places = {20, 21, 22, 23, 24, 25, 26, 9, 28, 29};
  EXPECT_EQ(Param(PrepareChat(*model_, tools, absl::InfiniteFuture()).status()), "tools[9].function.parameters");

  auto length = ParseChatCall(R"({"model":"abacus","messages":[{"role":"user","content":"1"}],"max_completion_tokens":99999})", {});
  ASSERT_TRUE(length.ok()) << length.status();
  EXPECT_EQ(Param(PrepareChat(*model_, *length, absl::InfiniteFuture()).status()), "max_completion_tokens");

  ChatCall prefix = Chat("2+2");
  prefix.turns[0].prefix = true;
  EXPECT_EQ(Param(PrepareChat(*model_, prefix, absl::InfiniteFuture()).status()), "messages[0].prefix");
}

TEST_F(PrepareTest, WhatWouldBeAnsweredOtherwiseIsRefused) {
  ChatCall quiet = Chat("2+2");
  quiet.thinking = false;
  EXPECT_EQ(Param(PrepareChat(*model_, quiet, absl::InfiniteFuture()).status()), "thinking");
  quiet.thinking = true;
  EXPECT_TRUE(PrepareChat(*model_, quiet, absl::InfiniteFuture()).ok());

  ChatCall begun = Chat("2+2");
  begun.generation.response_schema = R"({"type":"object"})";
  begun.turns.push_back({"assistant", PrivateText(R"({"a": )"), {}, /*prefix=*/true});
  EXPECT_EQ(Param(PrepareChat(*model_, begun, absl::InfiniteFuture()).status()), "response_format");
  begun.turns.back().content = PrivateText();
  EXPECT_TRUE(PrepareChat(*model_, begun, absl::InfiniteFuture()).ok());
}

TEST_F(PrepareTest, ATopPOfNothingTakesTheLikeliest) {
  ChatCall call = Chat("2+2");
  call.generation.top_p = 0;
  const auto input = PrepareChat(*model_, call, absl::InfiniteFuture());
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_GT(input->spec.top_p, 0);
  EXPECT_LT(input->spec.top_p, 1.0 / static_cast<double>(model_->tokenizer->size()));
}

TEST_F(PrepareTest, ToolsAreTakenOutOnlyWhenOffered) {
  ChatCall call = Chat("2+2");
  call.tools.tools = {{PrivateText("add"), PrivateText("Adds."), PrivateText("{}")}};
  auto input = PrepareChat(*model_, call, absl::InfiniteFuture());
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->tool_calls, ToolCallSyntax::kFenced);
  EXPECT_TRUE(absl::StrContains(model_->tokenizer->Decode(input->prompt, false), "### add"));
  call.tools.choice = ToolChoice::kNone;
  input = PrepareChat(*model_, call, absl::InfiniteFuture());
  EXPECT_FALSE(input->tool_calls.has_value());
  EXPECT_FALSE(absl::StrContains(model_->tokenizer->Decode(input->prompt, false), "### add"));
}

TEST_F(PrepareTest, ABiasMustBeOfTheVocabulary) {
  CompletionCall call = Completion({5});
  call.generation.logit_bias = {{static_cast<int32_t>(model_->tokenizer->size()), 1}};
  EXPECT_TRUE(absl::StrContains(PrepareCompletion(*model_, call, absl::InfiniteFuture()).status().message(), "logit_bias"));
}

TEST_F(PrepareTest, RefusalsNameTheMatter) {
  ChatCall other = Chat("x");
  other.model = "gpt";
  EXPECT_EQ(PrepareChat(*model_, other, absl::InfiniteFuture()).status().code(), absl::StatusCode::kNotFound);
  const int32_t size = static_cast<int32_t>(model_->tokenizer->size());
  EXPECT_TRUE(PrepareCompletion(*model_, Completion({size - 1}), absl::InfiniteFuture()).ok());
  const absl::Status unknown = PrepareCompletion(*model_, Completion({size}), absl::InfiniteFuture()).status();
  EXPECT_TRUE(absl::StrContains(unknown.message(), std::to_string(size))) << unknown;
  EXPECT_FALSE(PrepareCompletion(*model_, Completion({}), absl::InfiniteFuture()).ok());
}

TEST_F(PrepareTest, WhatCannotFitIsToldBeforeItIsTokenised) {
  const size_t too_much = static_cast<size_t>(model_->max_position_embeddings * model_->longest_token_bytes);
  const auto refusal = [this](const ChatCall& call) {
    EXPECT_GE(LeastPromptTokens(*model_, call), model_->max_position_embeddings);
    return std::string(PrepareChat(*model_, call, absl::InfiniteFuture()).status().message());
  };
  ChatCall tools = Chat("2+2");
  tools.tools.tools = {{PrivateText("add"), PrivateText(std::string(too_much, 'x')), PrivateText("{}")}};
  EXPECT_TRUE(absl::StrContains(refusal(tools), "'tools' has at least"));
  ChatCall said = Chat("2+2");
  said.turns.insert(said.turns.begin(), {{"user", PrivateText("3")}, {"assistant", PrivateText(std::string(too_much, 'x'))}});
  EXPECT_TRUE(absl::StrContains(refusal(said), "'messages' has at least"));
  said.turns[1].content = PrivateText("");
  said.turns[1].tool_calls = {{PrivateText("add"), PrivateText(std::string(too_much, 'x'))}};
  EXPECT_TRUE(absl::StrContains(refusal(said), "'messages' has at least"));
}

TEST_F(PrepareTest, TheLeastPriceIsNeverAboveTheRealOne) {
  const auto exact = [](const absl::StatusOr<GenerationInput>& input) {
    EXPECT_TRUE(input.ok()) << input.status();
    return static_cast<int64_t>(input->prompt.size());
  };
  for (const std::string& text : {std::string("2 + 2"), std::string(500, ' '), std::string(500, '1'), std::string("What is 4821 + 1397?"),
                                  std::string("\xff\xfe"), std::string()}) {
    CompletionCall completion;
    completion.model = "abacus";
    completion.prompt = PrivateText(text);
    EXPECT_LE(LeastPromptTokens(*model_, completion), exact(PrepareCompletion(*model_, completion, absl::InfiniteFuture())));
    ChatCall chat = Chat(text);
    chat.turns.insert(chat.turns.begin(), {{"user", PrivateText("3")}, {"assistant", PrivateText(std::string(200, 'x') + "</think>4")}});
    chat.turns[1].tool_calls = {{PrivateText("add"), PrivateText(R"({"a": 1})")}};
    chat.turns.insert(chat.turns.begin() + 2, {"tool", PrivateText("4")});
    chat.tools.tools = {{PrivateText("add"), PrivateText(text), PrivateText(R"({"type": "object"})")}};
    EXPECT_LE(LeastPromptTokens(*model_, chat), exact(PrepareChat(*model_, chat, absl::InfiniteFuture())));
  }
  EXPECT_EQ(LeastPromptTokens(*model_, Completion(Ids(77))), 77);
}

TEST_F(PrepareTest, APromptThatCannotFitIsRefusedUntokenised) {
  const int64_t bytes = model_->max_position_embeddings * model_->longest_token_bytes;
  CompletionCall completion;
  completion.model = "abacus";
  completion.prompt = PrivateText(std::string(static_cast<size_t>(bytes), '1'));
  const absl::Status refused = PrepareCompletion(*model_, completion, absl::InfiniteFuture()).status();
  EXPECT_TRUE(absl::StrContains(refused.message(), "'prompt' has at least ")) << refused;
  EXPECT_TRUE(
      absl::StrContains(PrepareChat(*model_, Chat(std::string(static_cast<size_t>(bytes), '1')), absl::InfiniteFuture()).status().message(),
                        "'messages' has at least "));
}

}  // namespace
}  // namespace baleen
