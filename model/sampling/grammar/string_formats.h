// The values of JSON Schema's `format` that a grammar keeps, all of them plain ASCII.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_STRING_FORMATS_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_STRING_FORMATS_H_

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "model/sampling/grammar/grammar.h"
#include "model/sampling/grammar/json_grammar.h"

namespace baleen {

// date, time, date-time and duration (RFC 3339: years 0001 to 9999, no leap seconds, at most 9 digits of a number), uuid, ipv4, ipv6
// (without dotted parts), hostname (at most 4 labels, no hyphens side by side) and email (letters and digits, between them one of .+_-
// each).
inline constexpr char kStringFormats[] = "date, time, date-time, duration, uuid, ipv4, ipv6, hostname and email";

// Texts of the format, without quotes; nullopt for one that is not kept.
absl::optional<GrammarNodeId> AddStringFormat(absl::string_view format, JsonGrammar* json, GrammarBuilder* builder, GrammarNodeId next);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_STRING_FORMATS_H_
