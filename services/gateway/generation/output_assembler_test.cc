#include "services/gateway/generation/output_assembler.h"

#include <string>

#include "gtest/gtest.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

constexpr char kCalls[] =
    "I see. ab<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜>"
    "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>";

struct Assembled {
  std::string text;
  std::string names;
  bool stopped = false;
};

class OutputAssemblerTest : public testing::Test {
 protected:
  // With "abc" as a stop string.
  Assembled Assemble(const std::string& completion, bool single) {
    OutputAssembler assembler(*tokenizer_, /*split_reasoning=*/false, /*opens_thinking=*/false, StopMatcher::Create({"abc"}).value(),
                              {ToolCallSyntax::kPlain, single});
    Assembled all;
    for (const int32_t token : tokenizer_->Encode(completion, AddedTokens::kMatch)) {
      Append(assembler.Add(token), &all);
      if (all.stopped) return all;
    }
    Append(assembler.Finish(), &all);
    return all;
  }

  static void Append(const OutputDelta& delta, Assembled* all) {
    all->text += delta.text.reveal();
    for (const ToolCallDelta& call : delta.tool_calls) all->names += call.name.reveal();
    all->stopped = delta.stopped;
  }

  const std::unique_ptr<Tokenizer> tokenizer_ = MakeTinyTokenizer();
};

TEST_F(OutputAssemblerTest, EveryCallAndTheTextAroundThem) {
  const Assembled all = Assemble(kCalls, /*single=*/false);
  EXPECT_EQ(all.text, "I see. ab");
  EXPECT_EQ(all.names, "fg");
  EXPECT_FALSE(all.stopped);
}

TEST_F(OutputAssemblerTest, ASingleCallEndsTheAnswerAndLosesNoText) {
  const Assembled all = Assemble(kCalls, /*single=*/true);
  EXPECT_EQ(all.text, "I see. ab");
  EXPECT_EQ(all.names, "f");
  EXPECT_TRUE(all.stopped);
}

TEST_F(OutputAssemblerTest, EveryTokenHasThePlaceOfItsText) {
  OutputAssembler assembler(*tokenizer_, /*split_reasoning=*/true, /*opens_thinking=*/true, StopMatcher::Create({"yz"}).value(),
                            {ToolCallSyntax::kPlain, /*single=*/false});
  std::string places;
  int64_t text_bytes = 0;
  for (const int32_t token :
       tokenizer_->Encode("ab</think>\n\nx\ny<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{}", AddedTokens::kMatch)) {
    const OutputDelta delta = assembler.Add(token);
    if (places.empty() || places.back() != "-rt"[static_cast<int>(delta.place)]) places += "-rt"[static_cast<int>(delta.place)];
    text_bytes += delta.text_bytes;
  }
  EXPECT_EQ(places, "r-t-");
  EXPECT_EQ(text_bytes, 3);  // Also of the y, which is held back.
}

TEST_F(OutputAssemblerTest, AStopStringEndsTheAnswerBeforeACall) {
  const Assembled all = Assemble("xabc<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜>", /*single=*/true);
  EXPECT_EQ(all.text, "x");
  EXPECT_EQ(all.names, "");
  EXPECT_TRUE(all.stopped);
}

}  // namespace
}  // namespace baleen
