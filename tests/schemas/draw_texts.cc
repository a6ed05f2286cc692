// Draws texts under grammars: reads a JSON Schema a line, writes a list of texts a line, or null where the schema is refused.

#include <boost/json.hpp>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model/sampling/grammar/grammar_matcher.h"
#include "model/sampling/grammar/grammar_spec.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

constexpr int32_t kEnd = 1;
constexpr int kTexts = 8;
constexpr size_t kTokensMax = 400;

class Drawer {
 public:
  boost::json::value Texts(const std::string& schema) {
    GrammarSpec spec;
    spec.alternatives = {{GrammarJsonSchema{schema}}};
    absl::StatusOr<Grammar> grammar = CompileGrammar(spec);
    if (!grammar.ok()) return nullptr;
    GrammarMatcher matcher(std::make_shared<Grammar>(*std::move(grammar)), vocabulary_, absl::nullopt, {kEnd});
    boost::json::array texts;
    for (int i = 0; i < kTexts; ++i) {
      const std::vector<int32_t> tokens = Draw(&matcher);
      if (matcher.MayEnd(tokens)) texts.emplace_back(tokenizer_->Decode(tokens, /*skip_special=*/false));
    }
    return texts;
  }

 private:
  // Prefers what closes, so that most texts end.
  int32_t Next(const std::vector<int32_t>& allowed) {
    for (const int32_t token : allowed) {
      const std::string text = tokenizer_->Decode({token}, /*skip_special=*/false);
      const bool closes = token == kEnd || text == "\"" || text == "]" || text == "}";
      if (closes && random_() % 3 == 0) return token;
    }
    return allowed[random_() % allowed.size()];
  }

  std::vector<int32_t> Draw(GrammarMatcher* matcher) {
    std::vector<int32_t> tokens;
    while (tokens.size() < kTokensMax) {
      const TokenMask& mask = matcher->Allowed(tokens);
      std::vector<int32_t> allowed;
      for (int32_t id = 0; id < vocabulary_->size(); ++id) {
        if (mask.Test(id)) allowed.push_back(id);
      }
      const int32_t token = allowed.empty() ? kEnd : Next(allowed);
      if (token == kEnd) break;
      tokens.push_back(token);
    }
    return tokens;
  }

  std::unique_ptr<Tokenizer> tokenizer_ = MakeTinyTokenizer();
  std::shared_ptr<GrammarVocabulary> vocabulary_ = std::make_shared<GrammarVocabulary>(*tokenizer_, tokenizer_->size());
  std::mt19937 random_{1};
};

}  // namespace
}  // namespace baleen

int main() {
  baleen::Drawer drawer;
  std::string schema;
  while (std::getline(std::cin, schema)) std::cout << boost::json::serialize(drawer.Texts(schema)) << "\n";
  return 0;
}
