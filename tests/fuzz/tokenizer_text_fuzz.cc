// Texts through DeepSeek-V3's tokenizer form: nothing is lost on the way to ids and back.

#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/tiny_tokenizer.h"
#include "model/tokenizer/utf8.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

std::string Streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  Detokenizer detokenizer(tokenizer, /*skip_special=*/false);
  std::string text;
  for (const int32_t id : ids) text += detokenizer.Add(id);
  return text + detokenizer.Finish();
}

void CheckText(const Tokenizer& tokenizer, const std::string& text) {
  for (const AddedTokens added : {AddedTokens::kText, AddedTokens::kMatch}) {
    const std::vector<int32_t> ids = tokenizer.Encode(text, added);
    Require(tokenizer.Decode(ids, /*skip_special=*/false) == text, "decoding gives the text back");
    const std::string streamed = Streamed(tokenizer, ids);
    Require(ValidUtf8Prefix(streamed) == streamed.size(), "a stream is UTF-8");
    if (ValidUtf8Prefix(text) == text.size()) Require(streamed == text, "a stream of UTF-8 is the text");
    for (const int32_t id : ids) {
      const bool is_added = tokenizer.AddedTokenId(tokenizer.TokenBytes(id)) == id;
      Require(added == AddedTokens::kMatch || !is_added, "what a user typed is no control token");
    }
  }
}

// As Llama's and Qwen's: one regular expression, added tokens that begin alike.
const Tokenizer* MakeByteLevelTokenizer() {
  TinyTokenizerOptions options;
  options.added = {"<think>", "<think>\n", "<th"};
  options.pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false})";
  options.ignore_merges = true;
  return MakeTinyTokenizer(options).release();
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const baleen::Tokenizer* const v3 = baleen::MakeTinyTokenizer().release();
  static const baleen::Tokenizer* const byte_level = baleen::MakeByteLevelTokenizer();
  const std::string text = baleen::FuzzInput(data, size).Rest();
  baleen::CheckText(*v3, text);
  baleen::CheckText(*byte_level, text);
  return 0;
}
