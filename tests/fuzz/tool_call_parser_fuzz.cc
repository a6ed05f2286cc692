// Tool calls out of a stream of tokens: the same however the text is cut into tokens, and named once each.

#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/tiny_tokenizer.h"
#include "model/tokenizer/tool_call_parser.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/token_stream.h"

namespace baleen {
namespace {

const std::vector<std::string>& Controls() {
  static const auto* const controls = new std::vector<std::string>{
      "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>", "<think>"};
  return *controls;
}

struct Call {
  std::string name;
  std::string arguments;
};

struct Parsed {
  std::vector<Call> calls;
  std::vector<int32_t> text;  // Tokens of no call.
};

Parsed Parse(const Tokenizer& tokenizer, ToolCallSyntax syntax, const std::vector<int32_t>& tokens) {
  ToolCallParser parser(tokenizer, syntax);
  Parsed parsed;
  std::vector<ToolCallDelta> deltas;
  for (const int32_t token : tokens) {
    if (!parser.Add(token, &deltas)) parsed.text.push_back(token);
  }
  parser.Finish(&deltas);
  for (const ToolCallDelta& delta : deltas) {
    const size_t index = static_cast<size_t>(delta.index);
    Require(index <= parsed.calls.size(), "calls come in order");
    if (index == parsed.calls.size()) {
      parsed.calls.push_back({delta.name.reveal(), ""});
    } else {
      Require(index + 1 == parsed.calls.size() && delta.name.empty(), "the first piece of a call has its name, the others more of it");
    }
    parsed.calls.back().arguments += delta.arguments.reveal();
  }
  Require(parser.calls() == static_cast<int>(parsed.calls.size()), "every call is told of");
  return parsed;
}

void CheckSyntax(const Tokenizer& tokenizer, ToolCallSyntax syntax, const TokenStream& stream) {
  const Parsed bytes = Parse(tokenizer, syntax, stream.bytes);
  const Parsed merged = Parse(tokenizer, syntax, stream.merged);
  Require(tokenizer.Decode(bytes.text, false) == tokenizer.Decode(merged.text, false), "the text beside the calls is the same");
  Require(bytes.calls.size() == merged.calls.size(), "the calls are as many");
  for (size_t i = 0; i < bytes.calls.size(); ++i) {
    Require(bytes.calls[i].name == merged.calls[i].name, "names are the same");
    Require(bytes.calls[i].arguments == merged.calls[i].arguments, "arguments are the same");
  }
}

// Its merges cross the parts of a call.
const Tokenizer* MakeTokenizer() {
  TinyTokenizerOptions options;
  options.merges = {"h e", "` `", "`` `", "Ċ ```", "` Ċ", "\" :", "j s", "js o", "jso n", "``` json"};
  return MakeTinyTokenizer(options).release();
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  static const Tokenizer* const tokenizer = MakeTokenizer();
  const TokenStream stream = MakeTokenStream(*tokenizer, Controls(), FuzzInput(data, size).Rest());
  CheckSyntax(*tokenizer, ToolCallSyntax::kFenced, stream);
  CheckSyntax(*tokenizer, ToolCallSyntax::kPlain, stream);
  return 0;
}
