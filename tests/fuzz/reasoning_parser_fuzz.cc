// Reasoning and answer out of a stream of tokens: the same however the text is cut into tokens, and nothing invented.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/reasoning_parser.h"
#include "model/tokenizer/tiny_tokenizer.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/token_stream.h"

namespace baleen {
namespace {

ReasoningDelta Parse(const Tokenizer& tokenizer, bool opened, const std::vector<int32_t>& tokens) {
  ReasoningParser parser(tokenizer, opened);
  ReasoningDelta all;
  const auto add = [&all](const ReasoningDelta& delta) {
    Require(all.content.empty() || delta.reasoning.empty(), "no reasoning comes after the answer has begun");
    all.reasoning += delta.reasoning;
    all.content += delta.content;
  };
  for (const int32_t token : tokens) add(parser.Add(token));
  add(parser.Finish());
  return all;
}

void CheckParser(const Tokenizer& tokenizer, bool opened, const TokenStream& stream) {
  const ReasoningDelta bytes = Parse(tokenizer, opened, stream.bytes);
  const ReasoningDelta merged = Parse(tokenizer, opened, stream.merged);
  Require(bytes.reasoning == merged.reasoning, "the reasoning is the same");
  Require(bytes.content == merged.content, "the answer is the same");
  Require(bytes.reasoning.empty() || bytes.reasoning.back() != '\n', "reasoning loses its last newlines");
  // A replacement character is at most three bytes for one.
  Require(bytes.reasoning.size() + bytes.content.size() <= 3 * tokenizer.Decode(stream.bytes, false).size(), "nothing is invented");
}

// One whose vocabulary has <think> as a token, or only its text.
const Tokenizer* MakeTokenizer(bool with_token) {
  TinyTokenizerOptions options;
  options.merges = {"Ċ Ċ", "< /", "t h", "th i", "n k", "thi nk", "think >"};
  if (!with_token) options.added.clear();
  return MakeTinyTokenizer(options).release();
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  static const Tokenizer* const with_token = MakeTokenizer(true);
  static const Tokenizer* const by_text = MakeTokenizer(false);
  FuzzInput input(data, size);
  const bool opened = (input.Byte() & 1) != 0;
  const std::string spelling = input.Rest();
  for (const Tokenizer* tokenizer : {with_token, by_text}) {
    CheckParser(*tokenizer, opened, MakeTokenStream(*tokenizer, {"<think>", "</think>", "<｜end▁of▁sentence｜>"}, spelling));
  }
  return 0;
}
