// tokenizer.json, then a text: a tokenizer that is accepted encodes any text into its own ids.

#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

void CheckTokenizer(const Tokenizer& tokenizer, const std::string& text) {
  for (const AddedTokens added : {AddedTokens::kMatch, AddedTokens::kText}) {
    const std::vector<int32_t> ids = tokenizer.Encode(text, added);
    for (const int32_t id : ids) Require(id >= 0 && id < tokenizer.size(), "ids are the vocabulary's");
    Require(ids == tokenizer.Encode(text, added), "encoding is a function of the text");
    Detokenizer detokenizer(tokenizer, /*skip_special=*/true);
    for (const int32_t id : ids) detokenizer.Add(id);
    detokenizer.Finish();
  }
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  baleen::FuzzInput input(data, size);
  const std::string json = input.Section();
  const auto tokenizer = baleen::Tokenizer::FromJson(json, "tokenizer.json");
  if (tokenizer.ok()) baleen::CheckTokenizer(**tokenizer, input.Rest());
  return 0;
}
