// The keywords of JSON Schema (draft 2020-12, and of older drafts what would narrow): the form of each, and whether a grammar keeps it.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_SCHEMA_KEYWORDS_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_SCHEMA_KEYWORDS_H_

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

constexpr int kSchemaDepthMax = 32;

enum class KeywordUse : uint8_t {
  kKept,     // Narrows what is valid, and the grammar keeps it.
  kRefused,  // Narrows what is valid, and no grammar is made.
  kPassed,   // Narrows nothing; also every name that is no keyword.
};

KeywordUse UseOfKeyword(absl::string_view name);

// INVALID_ARGUMENT with the place, a JSON pointer to a schema ("" = the root).
absl::Status SchemaError(absl::string_view place, absl::string_view what);
// The pointer to a member of what `place` points to.
std::string MemberPlace(absl::string_view place, absl::string_view member);

absl::StatusOr<boost::json::value> ParseSchema(absl::string_view text);
// INVALID_ARGUMENT when `schema`'s own keywords do not have the standard's form; schemas within it are not looked at.
absl::Status CheckKeywordForms(const boost::json::object& schema, const std::string& place);
// Calls `visit` for each schema that stands directly in one of `schema`'s keywords, until one is not OK.
absl::Status ForEachSubschema(const boost::json::object& schema, const std::string& place,
                              absl::FunctionRef<absl::Status(const boost::json::value& schema, const std::string& place)> visit);

// Whether the text is a JSON Schema at all, its inner schemas included: one may be told to a model whose grammar would not be kept.
absl::Status CheckJsonSchema(absl::string_view text);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_JSON_SCHEMA_KEYWORDS_H_
