#include "model/sampling/grammar/json_schema_keywords.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/precise_json.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

namespace json = boost::json;

enum class Form : uint8_t {
  kAny,
  kString,
  kBool,
  kNumber,
  kBound,  // A number, or as in draft 4 a boolean.
  kList,
  kNames,
  kObject,
  kTypes,
  kSchema,
  kSchemas,
  kItems,  // A schema, or as in older drafts a list of them.
  kNamedSchemas,
};

struct Keyword {
  const char* name;
  Form form;
  KeywordUse use;
};

// A name that is not here narrows nothing and may have any form.
constexpr Keyword kKeywords[] = {
    {"type", Form::kTypes, KeywordUse::kKept},
    {"enum", Form::kList, KeywordUse::kKept},
    {"const", Form::kAny, KeywordUse::kKept},
    {"anyOf", Form::kSchemas, KeywordUse::kKept},
    {"allOf", Form::kSchemas, KeywordUse::kKept},
    {"$ref", Form::kString, KeywordUse::kKept},
    {"properties", Form::kNamedSchemas, KeywordUse::kKept},
    {"required", Form::kNames, KeywordUse::kKept},
    {"additionalProperties", Form::kSchema, KeywordUse::kKept},
    {"items", Form::kItems, KeywordUse::kKept},
    {"minItems", Form::kNumber, KeywordUse::kKept},
    {"maxItems", Form::kNumber, KeywordUse::kKept},
    {"minLength", Form::kNumber, KeywordUse::kKept},
    {"maxLength", Form::kNumber, KeywordUse::kKept},
    {"format", Form::kString, KeywordUse::kKept},
    {"minimum", Form::kNumber, KeywordUse::kKept},
    {"maximum", Form::kNumber, KeywordUse::kKept},
    {"exclusiveMinimum", Form::kBound, KeywordUse::kKept},
    {"exclusiveMaximum", Form::kBound, KeywordUse::kKept},
    {"oneOf", Form::kSchemas, KeywordUse::kRefused},
    {"not", Form::kSchema, KeywordUse::kRefused},
    {"if", Form::kSchema, KeywordUse::kRefused},
    {"then", Form::kSchema, KeywordUse::kRefused},
    {"else", Form::kSchema, KeywordUse::kRefused},
    {"pattern", Form::kString, KeywordUse::kRefused},
    {"patternProperties", Form::kNamedSchemas, KeywordUse::kRefused},
    {"propertyNames", Form::kSchema, KeywordUse::kRefused},
    {"minProperties", Form::kNumber, KeywordUse::kRefused},
    {"maxProperties", Form::kNumber, KeywordUse::kRefused},
    {"dependentRequired", Form::kObject, KeywordUse::kRefused},
    {"dependentSchemas", Form::kNamedSchemas, KeywordUse::kRefused},
    {"dependencies", Form::kObject, KeywordUse::kRefused},
    {"unevaluatedProperties", Form::kSchema, KeywordUse::kRefused},
    {"unevaluatedItems", Form::kSchema, KeywordUse::kRefused},
    {"prefixItems", Form::kSchemas, KeywordUse::kRefused},
    {"additionalItems", Form::kSchema, KeywordUse::kRefused},
    {"contains", Form::kSchema, KeywordUse::kRefused},
    {"minContains", Form::kNumber, KeywordUse::kRefused},
    {"maxContains", Form::kNumber, KeywordUse::kRefused},
    {"uniqueItems", Form::kBool, KeywordUse::kRefused},
    {"multipleOf", Form::kNumber, KeywordUse::kRefused},
    {"$dynamicRef", Form::kString, KeywordUse::kRefused},
    {"$recursiveRef", Form::kString, KeywordUse::kRefused},
    {"$defs", Form::kNamedSchemas, KeywordUse::kPassed},
    {"definitions", Form::kNamedSchemas, KeywordUse::kPassed},
    {"$anchor", Form::kString, KeywordUse::kPassed},
    {"$id", Form::kString, KeywordUse::kPassed},
    {"$schema", Form::kString, KeywordUse::kPassed},
};

constexpr absl::string_view kTypes[] = {"object", "array", "string", "number", "integer", "boolean", "null"};

const Keyword* FindKeyword(absl::string_view name) {
  const auto* found =
      std::find_if(std::begin(kKeywords), std::end(kKeywords), [name](const Keyword& keyword) { return keyword.name == name; });
  return found == std::end(kKeywords) ? nullptr : found;
}

bool IsSchema(const json::value& value) { return value.is_object() || value.is_bool(); }

bool IsType(const json::value& value) {
  if (!value.is_string()) return false;
  const absl::string_view name(value.get_string().data(), value.get_string().size());
  return std::find(std::begin(kTypes), std::end(kTypes), name) != std::end(kTypes);
}

template <typename Predicate>
bool IsListOf(const json::value& value, Predicate fits) {
  return value.is_array() && std::all_of(value.get_array().begin(), value.get_array().end(), fits);
}

// What a value of another form is told; nullptr when it has the form.
const char* Misformed(Form form, const json::value& value) {
  const auto unless = [](bool fits, const char* message) { return fits ? nullptr : message; };
  const auto is_string = [](const json::value& item) { return item.is_string(); };
  const auto named_schema = [](const json::key_value_pair& member) { return IsSchema(member.value()); };
  switch (form) {
    case Form::kAny:
      return nullptr;
    case Form::kString:
      return unless(value.is_string(), "must be a string");
    case Form::kBool:
      return unless(value.is_bool(), "must be true or false");
    case Form::kNumber:
      return unless(value.is_number(), "must be a number");
    case Form::kBound:
      return unless(value.is_number() || value.is_bool(), "must be a number");
    case Form::kList:
      return unless(value.is_array(), "must be a list");
    case Form::kNames:
      return unless(IsListOf(value, is_string), "must be a list of names");
    case Form::kObject:
      return unless(value.is_object(), "must be an object");
    case Form::kTypes:
      return unless(IsType(value) || (IsListOf(value, IsType) && !value.get_array().empty()),
                    "must be object, array, string, number, integer, boolean, null or a list of these");
    case Form::kSchema:
      return unless(IsSchema(value), "must be a schema: an object or a boolean");
    case Form::kSchemas:
      return unless(IsListOf(value, IsSchema) && !value.get_array().empty(), "must be a list of schemas");
    case Form::kItems:
      return unless(IsSchema(value) || IsListOf(value, IsSchema), "must be a schema: an object or a boolean");
    case Form::kNamedSchemas:
      return unless(value.is_object() && std::all_of(value.get_object().begin(), value.get_object().end(), named_schema),
                    "must be an object of schemas");
  }
  return nullptr;
}

absl::Status CheckForms(const json::value& schema, const std::string& place) {
  if (!schema.is_object()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckKeywordForms(schema.get_object(), place));
  return ForEachSubschema(schema.get_object(), place, CheckForms);
}

}  // namespace

KeywordUse UseOfKeyword(absl::string_view name) {
  const Keyword* keyword = FindKeyword(name);
  return keyword == nullptr ? KeywordUse::kPassed : keyword->use;
}

absl::Status SchemaError(absl::string_view place, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("at '", place.empty() ? "/" : place, "': ", what));
}

std::string MemberPlace(absl::string_view place, absl::string_view member) {
  return absl::StrCat(place, "/", absl::StrReplaceAll(member, {{"~", "~0"}, {"/", "~1"}}));
}

absl::StatusOr<json::value> ParseSchema(absl::string_view text) {
  absl::StatusOr<json::value> root = ParsePreciseJson(text, kSchemaDepthMax);
  if (!root.ok())
    return absl::InvalidArgumentError(absl::StrCat("is not JSON of at most ", kSchemaDepthMax, " levels: ", root.status().message()));
  if (!IsSchema(*root)) return SchemaError("", "a schema must be an object or a boolean");
  return root;
}

absl::Status CheckKeywordForms(const json::object& schema, const std::string& place) {
  for (const auto& member : schema) {
    const Keyword* keyword = FindKeyword(absl::string_view(member.key().data(), member.key().size()));
    const char* misformed = keyword == nullptr ? nullptr : Misformed(keyword->form, member.value());
    if (misformed != nullptr) return SchemaError(place, absl::StrCat("'", keyword->name, "' ", misformed));
  }
  return absl::OkStatus();
}

absl::Status ForEachSubschema(const json::object& schema, const std::string& place,
                              absl::FunctionRef<absl::Status(const json::value& schema, const std::string& place)> visit) {
  for (const auto& member : schema) {
    const Keyword* keyword = FindKeyword(absl::string_view(member.key().data(), member.key().size()));
    if (keyword == nullptr || keyword->form < Form::kSchema) continue;
    const json::value& value = member.value();
    const std::string within = MemberPlace(place, keyword->name);
    if (keyword->form == Form::kNamedSchemas && value.is_object()) {
      for (const auto& named : value.get_object()) RETURN_IF_ERROR(visit(named.value(), MemberPlace(within, std::string(named.key()))));
    } else if (value.is_array()) {
      for (size_t i = 0; i < value.get_array().size(); ++i) RETURN_IF_ERROR(visit(value.get_array()[i], absl::StrCat(within, "/", i)));
    } else {
      RETURN_IF_ERROR(visit(value, within));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckJsonSchema(absl::string_view text) {
  ASSIGN_OR_RETURN(const json::value root, ParseSchema(text));
  return CheckForms(root, "");
}

}  // namespace baleen
