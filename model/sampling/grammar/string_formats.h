// The values of JSON Schema's `format` that a grammar keeps, all of them plain ASCII.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_STRING_FORMATS_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_STRING_FORMATS_H_

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "model/sampling/grammar/grammar.h"
#include "model/sampling/grammar/json_grammar.h"

namespace baleen {

// date, time and date-time (RFC 3339: years 0001 to 9999, no leap seconds, at most 9 digits of a second), uuid, ipv4.
inline constexpr char kStringFormats[] = "date, time, date-time, uuid and ipv4";

// Texts of the format, without quotes; nullopt for one that is not kept.
absl::optional<GrammarNodeId> AddStringFormat(absl::string_view format, JsonGrammar* json, GrammarBuilder* builder, GrammarNodeId next);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_STRING_FORMATS_H_
