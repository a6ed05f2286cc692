// JSON Schema (draft 2020-12, the part that constrains structure) to a byte grammar.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_SCHEMA_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_SCHEMA_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/sampling/grammar/grammar.h"
#include "model/sampling/grammar/json_grammar.h"

namespace baleen {

constexpr size_t kSchemaBytesMax = 64 << 10;

// Every text of the returned rule is a document that is valid under `schema`; not every valid document is a text of it: the properties
// that `properties` names come in its order, further ones only where it names none. Honoured: type, enum, const, anyOf, allOf of one,
// $ref within the schema by pointer or $anchor (also to itself), properties, required, additionalProperties, items, minItems, maxItems,
// minLength, maxLength, the formats of string_formats.h, and for integers minimum, maximum and their exclusive forms. Beside enum or const
// only type may narrow, beside anyOf, allOf and $ref nothing. Annotations (title, description, default, ...) are passed over. Any other
// keyword of the standard is refused by name, never ignored. INVALID_ARGUMENT tells the place as a JSON pointer.
absl::StatusOr<GrammarRuleId> AddJsonSchema(absl::string_view schema, JsonGrammar* json, GrammarBuilder* builder);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_SCHEMA_H_
