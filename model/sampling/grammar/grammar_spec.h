// What a request constrains its answer to, in a form that travels, and its grammar.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_SPEC_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_SPEC_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "model/sampling/grammar/grammar.h"

namespace baleen {

struct GrammarLiteral {
  std::string text;
};
struct GrammarToken {
  int32_t id = 0;
};
struct GrammarJsonSchema {
  std::string schema;  // Its JSON text.
};
using GrammarPiece = std::variant<GrammarLiteral, GrammarToken, GrammarJsonSchema>;

struct GrammarSpec {
  static constexpr size_t kAlternativesMax = 128;
  static constexpr size_t kPiecesMax = 16;

  // The answer is one of these, its pieces one after another. None = unconstrained.
  std::vector<std::vector<GrammarPiece>> alternatives;
  // The answer begins after this token, up to two newlines later (the end of the reasoning); absent = at once.
  absl::optional<int32_t> after_token;

  bool any() const { return !alternatives.empty(); }
};

// INVALID_ARGUMENT says what is wrong with the schema, or what is too large.
absl::StatusOr<Grammar> CompileGrammar(const GrammarSpec& spec);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_SPEC_H_
