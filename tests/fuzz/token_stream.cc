#include "tests/fuzz/token_stream.h"

#include <utility>

#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

void Flush(const Tokenizer& tokenizer, std::string text, TokenStream* stream) {
  for (const int32_t id : TinyByteIds(text)) stream->bytes.push_back(id);
  for (const int32_t id : tokenizer.Encode(text, AddedTokens::kText)) stream->merged.push_back(id);
}

}  // namespace

TokenStream MakeTokenStream(const Tokenizer& tokenizer, const std::vector<std::string>& controls, const std::string& spelling) {
  TokenStream stream;
  std::string text;
  for (const char c : spelling) {
    const size_t control = static_cast<uint8_t>(c) - size_t{0x80};
    const auto id = control < controls.size() ? tokenizer.AddedTokenId(controls[control]) : absl::nullopt;
    if (!id.has_value()) {
      text.push_back(c);
      continue;
    }
    Flush(tokenizer, std::exchange(text, ""), &stream);
    stream.bytes.push_back(*id);
    stream.merged.push_back(*id);
  }
  Flush(tokenizer, text, &stream);
  return stream;
}

}  // namespace baleen
