// JSON Schemas, and answers drawn under their grammars: every answer that may end is JSON, and masks depend on its tokens alone.

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/sampling/grammar/grammar_matcher.h"
#include "model/sampling/grammar/grammar_spec.h"
#include "model/tokenizer/tiny_tokenizer.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

constexpr int32_t kEnd = 1;
constexpr size_t kTokensMax = 64;

// Tokens that span JSON's own tokens, and parts of characters.
const Tokenizer& JsonTokenizer() {
  static const Tokenizer* const tokenizer = [] {
    TinyTokenizerOptions options;
    for (const char* merge : {"\" :", "\" ,", "{ \"", "Ã ¼", "\" Ã", "t r", "0 0", "00 00", "} }"}) options.merges.emplace_back(merge);
    return MakeTinyTokenizer(options).release();
  }();
  return *tokenizer;
}

const std::shared_ptr<const GrammarVocabulary>& Vocabulary() {
  static const auto* const vocabulary =
      new std::shared_ptr<const GrammarVocabulary>(std::make_shared<GrammarVocabulary>(JsonTokenizer(), JsonTokenizer().size()));
  return *vocabulary;
}

std::vector<int32_t> Ids(const TokenMask& mask) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < Vocabulary()->size(); ++id) {
    if (mask.Test(id)) ids.push_back(id);
  }
  return ids;
}

void CheckAnswer(const std::vector<int32_t>& tokens) {
  const std::string text = JsonTokenizer().Decode(tokens, /*skip_special=*/false);
  boost::json::parse_options options;
  options.max_depth = Grammar::kNestingMax + 1;
  boost::json::error_code error;
  boost::json::parse(text, error, {}, options);
  Require(!error, "an answer that may end is JSON");
}

// Each byte of `choices` takes one of the tokens that may come.
void Draw(const std::shared_ptr<const Grammar>& grammar, const std::string& choices) {
  GrammarMatcher matcher(grammar, Vocabulary(), absl::nullopt, {kEnd});
  std::vector<int32_t> tokens, allowed;
  for (const char choice : choices) {
    allowed = Ids(matcher.Allowed(tokens));
    if (allowed.empty() || tokens.size() == kTokensMax) break;
    const int32_t token = allowed[static_cast<uint8_t>(choice) % allowed.size()];
    if (token == kEnd) break;
    tokens.push_back(token);
  }
  if (matcher.MayEnd(tokens)) CheckAnswer(tokens);
  GrammarMatcher fresh(grammar, Vocabulary(), absl::nullopt, {kEnd});
  Require(Ids(matcher.Allowed(tokens)) == Ids(fresh.Allowed(tokens)), "a mask is a function of the tokens");
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  GrammarSpec spec;
  spec.alternatives = {{GrammarJsonSchema{input.Section()}}};
  absl::StatusOr<Grammar> grammar = CompileGrammar(spec);
  if (!grammar.ok()) {
    Require(absl::IsInvalidArgument(grammar.status()), "a bad schema is the client's error");
    return 0;
  }
  Require(grammar->size() <= Grammar::kNodesMax, "a grammar's size is bounded");
  Draw(std::make_shared<const Grammar>(*std::move(grammar)), input.Rest());
  return 0;
}
