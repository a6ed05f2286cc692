// Grammars between services.
#ifndef BALEEN_SERVICES_COMMON_GRAMMAR_WIRE_H_
#define BALEEN_SERVICES_COMMON_GRAMMAR_WIRE_H_

#include "absl/status/statusor.h"
#include "model/sampling/grammar/grammar_spec.h"

namespace baleen {

namespace v1 {
class Grammar;
}  // namespace v1

void GrammarToWire(const GrammarSpec& spec, v1::Grammar* wire);

// INVALID_ARGUMENT for a piece of no kind or a token id that is none. Sizes are CompileGrammar's to check.
absl::StatusOr<GrammarSpec> GrammarFromWire(const v1::Grammar& wire);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_GRAMMAR_WIRE_H_
