#include "model/tokenizer/tool_call_parser.h"

#include "gtest/gtest.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

struct Call {
  std::string name;
  std::string arguments;
  bool operator==(const Call& other) const { return name == other.name && arguments == other.arguments; }
};

struct Parsed {
  std::string text;
  std::vector<Call> calls;
  size_t deltas = 0;
};

class ToolCallParserTest : public testing::Test {
 protected:
  Parsed Parse(const std::string& completion, ToolCallSyntax syntax) {
    ToolCallParser parser(*tokenizer_, syntax);
    Parsed parsed;
    std::vector<ToolCallDelta> deltas;
    for (const int32_t token : tokenizer_->Encode(completion, AddedTokens::kMatch)) {
      if (!parser.Add(token, &deltas)) parsed.text += std::string(tokenizer_->TokenBytes(token));
    }
    parser.Finish(&deltas);
    parsed.deltas = deltas.size();
    for (const ToolCallDelta& delta : deltas) {
      if (static_cast<size_t>(delta.index) == parsed.calls.size()) parsed.calls.emplace_back();
      Call& call = parsed.calls.at(static_cast<size_t>(delta.index));
      call.name += delta.name.reveal();
      call.arguments += delta.arguments.reveal();
    }
    EXPECT_EQ(static_cast<size_t>(parser.calls()), parsed.calls.size());
    return parsed;
  }

  std::unique_ptr<Tokenizer> tokenizer_ = MakeTinyTokenizer();
};

constexpr char kTwoFenced[] =
    "Let me "
    "see.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{\"a\":1,\n\"b\":\"ü\"}\n```<｜tool▁call▁end｜>\n"
    "<｜tool▁call▁begin｜>function<｜tool▁sep｜>hello\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>";

TEST_F(ToolCallParserTest, FencedCallsStreamTheirArguments) {
  const Parsed parsed = Parse(kTwoFenced, ToolCallSyntax::kFenced);
  EXPECT_EQ(parsed.text, "Let me see.");
  EXPECT_EQ(parsed.calls, (std::vector<Call>{{"add", "{\"a\":1,\n\"b\":\"ü\"}"}, {"hello", "{}"}}));
  EXPECT_GT(parsed.deltas, 10u);
}

TEST_F(ToolCallParserTest, PlainCalls) {
  const Parsed parsed = Parse(
      "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\":1}<｜tool▁call▁end｜><｜tool▁call▁begin｜>g<｜tool▁sep｜>{}"
      "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
      ToolCallSyntax::kPlain);
  EXPECT_EQ(parsed.text, "");
  EXPECT_EQ(parsed.calls, (std::vector<Call>{{"f", "{\"a\":1}"}, {"g", "{}"}}));
}

TEST_F(ToolCallParserTest, TextThatLooksLikeACallIsText) {
  const Parsed parsed = Parse("function add\n```json\n{}\n```", ToolCallSyntax::kFenced);
  EXPECT_EQ(parsed.text, "function add\n```json\n{}\n```");
  EXPECT_TRUE(parsed.calls.empty());
}

TEST_F(ToolCallParserTest, ACallCutOffGivesWhatThereIs) {
  EXPECT_EQ(Parse("<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{\"a\":1\n``", ToolCallSyntax::kFenced).calls,
            (std::vector<Call>{{"add", "{\"a\":1\n``"}}));
  EXPECT_EQ(Parse("<｜tool▁call▁begin｜>function<｜tool▁sep｜>ad", ToolCallSyntax::kFenced).calls, (std::vector<Call>{{"ad", ""}}));
}

TEST_F(ToolCallParserTest, AMissingFenceIsForgiven) {
  EXPECT_EQ(Parse("<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n{\"a\":1}<｜tool▁call▁end｜>", ToolCallSyntax::kFenced).calls,
            (std::vector<Call>{{"add", "{\"a\":1}"}}));
}

}  // namespace
}  // namespace baleen
