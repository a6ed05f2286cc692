#include "model/sampling/grammar/grammar_spec.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/sampling/grammar/json_grammar.h"
#include "model/sampling/grammar/json_schema.h"

namespace baleen {
namespace {

constexpr size_t kLiteralBytesMax = 4096;

absl::StatusOr<GrammarNodeId> AddPiece(const GrammarPiece& piece, GrammarNodeId next, JsonGrammar* json, GrammarBuilder* builder) {
  if (const auto* token = std::get_if<GrammarToken>(&piece)) return builder->Token(token->id, next);
  if (const auto* literal = std::get_if<GrammarLiteral>(&piece)) {
    if (literal->text.size() > kLiteralBytesMax) return absl::InvalidArgumentError("has too long a literal");
    return builder->Literal(literal->text, next);
  }
  ASSIGN_OR_RETURN(const GrammarRuleId rule, AddJsonSchema(std::get<GrammarJsonSchema>(piece).schema, json, builder));
  return builder->Call(rule, next);
}

}  // namespace

absl::StatusOr<Grammar> CompileGrammar(const GrammarSpec& spec) {
  if (!spec.any()) return absl::InvalidArgumentError("has no alternative");
  if (spec.alternatives.size() > GrammarSpec::kAlternativesMax) return absl::InvalidArgumentError("has too many alternatives");
  GrammarBuilder builder;
  JsonGrammar json(&builder);
  std::vector<GrammarNodeId> starts;
  for (const std::vector<GrammarPiece>& pieces : spec.alternatives) {
    if (pieces.size() > GrammarSpec::kPiecesMax) return absl::InvalidArgumentError("has too many pieces");
    GrammarNodeId start = builder.Return();
    for (size_t i = pieces.size(); i-- > 0;) {
      ASSIGN_OR_RETURN(start, AddPiece(pieces[i], start, &json, &builder));
    }
    starts.push_back(start);
  }
  GrammarNodeId start = builder.AnyOf(starts);
  if (spec.after_token) {
    start = builder.Repeat(
        0, 2, [&builder](GrammarNodeId next) { return builder.Byte('\n', '\n', next); }, start);
  }
  return builder.Build(start);
}

}  // namespace baleen
