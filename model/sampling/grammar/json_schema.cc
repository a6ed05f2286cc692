#include "model/sampling/grammar/json_schema.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/percent_decode.h"
#include "base/status_macros.h"
#include "model/sampling/grammar/json_schema_keywords.h"
#include "model/sampling/grammar/string_formats.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr int64_t kIntegerMax = 9'999'999'999'999'999;  // 16 digits, as JsonGrammar's numbers.
constexpr int64_t kCountMax = 1 << 16;
constexpr size_t kEnumMax = 1000;
constexpr size_t kPropertiesMax = 256;
constexpr size_t kAlternativesMax = 64;
constexpr int kRuleDepthMax = 128;  // Schemas within schemas and references; bounds the compiler's own stack.

struct Place {
  const json::object* object;
  std::string path;  // JSON pointer.
};

struct Target {
  const json::value* schema;
  std::string path;
};

// Doubles without a fraction are integers by JSON Schema.
bool IsWhole(double number) { return std::isfinite(number) && std::trunc(number) == number; }

bool HasType(const json::value& value, absl::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_int64() || value.is_uint64() || (value.is_double() && IsWhole(value.get_double()));
  return value.is_number();
}

// A number in its shortest form, as a model would write it, rather than in the library's scientific one.
std::string TextOf(const json::value& value) {
  if (!value.is_double()) return json::serialize(value);
  const double number = value.get_double();
  if (IsWhole(number) && std::abs(number) <= kIntegerMax) return absl::StrCat(static_cast<int64_t>(number));
  std::array<char, 32> text;
  return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

class SchemaCompiler {
 public:
  SchemaCompiler(const json::value& root, JsonGrammar* grammar, GrammarBuilder* builder)
      : root_(root), json_(*grammar), builder_(*builder) {}

  absl::StatusOr<GrammarRuleId> Root();

 private:
  absl::Status ReadIdentifiers(const json::value& schema, const std::string& path);
  absl::StatusOr<GrammarRuleId> Rule(const json::value& schema, const std::string& path);
  absl::StatusOr<GrammarNodeId> Body(const json::value& schema, const std::string& path);
  absl::Status CheckKeywords(const Place& place) const;
  absl::Status CheckAlone(const Place& place, absl::string_view keyword, absl::string_view companion = "") const;
  absl::StatusOr<GrammarNodeId> Reference(const Place& place, const json::string& target);
  absl::StatusOr<GrammarNodeId> AnyOf(const Place& place, const char* keyword, const json::array& list);
  absl::StatusOr<GrammarNodeId> Enumerated(const Place& place, const char* keyword, const json::array& values);
  std::vector<std::string> Types(const Place& place) const;
  absl::StatusOr<GrammarNodeId> OfType(const Place& place, absl::string_view type);
  absl::StatusOr<GrammarNodeId> Object(const Place& place);
  absl::StatusOr<GrammarNodeId> Array(const Place& place);
  absl::StatusOr<GrammarNodeId> String(const Place& place);
  absl::StatusOr<GrammarNodeId> FormattedString(const Place& place, const std::string& format);
  absl::StatusOr<GrammarNodeId> Integer(const Place& place);
  std::vector<std::string> Required(const Place& place) const;
  absl::StatusOr<int64_t> Count(const Place& place, const char* keyword, int64_t absent) const;
  absl::StatusOr<int64_t> Bound(const Place& place, const char* keyword, int64_t absent) const;

  static const json::value* Find(const Place& place, absl::string_view keyword) {
    return place.object->if_contains(json::string_view(keyword.data(), keyword.size()));
  }

  const json::value& root_;
  JsonGrammar& json_;
  GrammarBuilder& builder_;
  int depth_ = 0;
  std::map<std::string, Target> anchors_;
  std::map<const json::value*, GrammarRuleId> rules_;  // Also those under way: schemas may refer to themselves.
};

absl::StatusOr<GrammarRuleId> SchemaCompiler::Rule(const json::value& schema, const std::string& path) {
  const auto known = rules_.find(&schema);
  if (known != rules_.end()) return known->second;
  if (depth_ == kRuleDepthMax) return SchemaError(path, absl::StrCat("schemas and references nest deeper than ", kRuleDepthMax));
  const GrammarRuleId rule = builder_.DeclareRule();
  rules_[&schema] = rule;
  ++depth_;
  ASSIGN_OR_RETURN(const GrammarNodeId start, Body(schema, path));
  --depth_;
  builder_.DefineRule(rule, start);
  if (builder_.full()) return SchemaError(path, "the schema is too large");
  return rule;
}

absl::StatusOr<GrammarRuleId> SchemaCompiler::Root() {
  RETURN_IF_ERROR(ReadIdentifiers(root_, ""));
  return Rule(root_, "");
}

// An inner $id would make the references below it relative to another document.
absl::Status SchemaCompiler::ReadIdentifiers(const json::value& schema, const std::string& path) {
  if (!schema.is_object()) return absl::OkStatus();
  const Place place{&schema.get_object(), path};
  if (!path.empty() && Find(place, "$id") != nullptr) return SchemaError(path, "'$id' is supported at the root only");
  const json::value* anchor = Find(place, "$anchor");
  if (anchor != nullptr && anchor->is_string()) anchors_.emplace(anchor->get_string(), Target{&schema, path});
  return ForEachSubschema(schema.get_object(), path,
                          [this](const json::value& inner, const std::string& at) { return ReadIdentifiers(inner, at); });
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Body(const json::value& schema, const std::string& path) {
  if (schema.is_bool()) {
    if (!schema.as_bool()) return SchemaError(path, "the schema false admits nothing");
    return builder_.Call(json_.value(), builder_.Return());
  }
  if (!schema.is_object()) return SchemaError(path, "a schema must be an object or a boolean");
  const Place place{&schema.get_object(), path};
  RETURN_IF_ERROR(CheckKeywordForms(*place.object, path));
  RETURN_IF_ERROR(CheckKeywords(place));
  if (const json::value* target = Find(place, "$ref")) return Reference(place, target->get_string());
  if (const json::value* value = Find(place, "const")) return Enumerated(place, "const", json::array(1, *value));
  if (const json::value* values = Find(place, "enum")) return Enumerated(place, "enum", values->get_array());
  if (const json::value* list = Find(place, "anyOf")) return AnyOf(place, "anyOf", list->get_array());
  if (const json::value* list = Find(place, "allOf")) {
    if (list->get_array().size() != 1) return SchemaError(path, "'allOf' is supported with exactly one schema");
    return AnyOf(place, "allOf", list->get_array());
  }
  std::vector<GrammarNodeId> alternatives;
  for (const std::string& type : Types(place)) {
    ASSIGN_OR_RETURN(const GrammarNodeId node, OfType(place, type));
    alternatives.push_back(node);
  }
  return builder_.AnyOf(alternatives);
}

absl::Status SchemaCompiler::CheckKeywords(const Place& place) const {
  for (const auto& member : *place.object) {
    const absl::string_view keyword(member.key().data(), member.key().size());
    const bool idle = keyword == "uniqueItems" && !member.value().get_bool();
    if (idle || UseOfKeyword(keyword) != KeywordUse::kRefused) continue;
    return SchemaError(place.path, absl::StrCat("'", keyword, "' is not supported"));
  }
  return absl::OkStatus();
}

// Whether none but `companion` narrows too.
absl::Status SchemaCompiler::CheckAlone(const Place& place, absl::string_view keyword, absl::string_view companion) const {
  for (const auto& member : *place.object) {
    const absl::string_view other(member.key().data(), member.key().size());
    if (other == keyword || other == companion || UseOfKeyword(other) != KeywordUse::kKept) continue;
    return SchemaError(place.path, absl::StrCat("'", other, "' beside '", keyword, "' is not supported"));
  }
  return absl::OkStatus();
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Reference(const Place& place, const json::string& target) {
  RETURN_IF_ERROR(CheckAlone(place, "$ref"));
  const absl::string_view text(target.data(), target.size());
  if (text.empty() || text[0] != '#') return SchemaError(place.path, "'$ref' must point into this schema, as in '#/$defs/name'");
  const std::optional<std::string> fragment = PercentDecode(text.substr(1));
  Target found{nullptr, fragment.value_or("")};
  if (const auto anchor = anchors_.find(found.path); anchor != anchors_.end()) {
    found = anchor->second;
  } else if (fragment) {
    json::error_code error;
    found.schema = root_.find_pointer(found.path, error);
  }
  if (found.schema == nullptr) return SchemaError(place.path, absl::StrCat("'$ref' points to nothing: ", text));
  ASSIGN_OR_RETURN(const GrammarRuleId rule, Rule(*found.schema, found.path));
  return builder_.Call(rule, builder_.Return());
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::AnyOf(const Place& place, const char* keyword, const json::array& list) {
  RETURN_IF_ERROR(CheckAlone(place, keyword));
  if (list.size() > kAlternativesMax)
    return SchemaError(place.path, absl::StrCat("'", keyword, "' may hold at most ", kAlternativesMax, " schemas"));
  std::vector<GrammarNodeId> alternatives;
  for (size_t i = 0; i < list.size(); ++i) {
    ASSIGN_OR_RETURN(const GrammarRuleId rule, Rule(list[i], absl::StrCat(place.path, "/", keyword, "/", i)));
    alternatives.push_back(builder_.Call(rule, builder_.Return()));
  }
  return builder_.AnyOf(alternatives);
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Enumerated(const Place& place, const char* keyword, const json::array& values) {
  RETURN_IF_ERROR(CheckAlone(place, keyword, "type"));
  if (values.size() > kEnumMax) return SchemaError(place.path, absl::StrCat("'enum' may hold at most ", kEnumMax, " values"));
  const std::vector<std::string> types = Types(place);
  std::vector<std::string> texts;
  for (const json::value& value : values) {
    const auto fits = [&value](const std::string& type) { return HasType(value, type); };
    if (std::any_of(types.begin(), types.end(), fits)) texts.push_back(TextOf(value));
  }
  if (texts.empty()) return SchemaError(place.path, absl::StrCat("no value of '", keyword, "' has the 'type'"));
  return builder_.OneLiteral(std::move(texts), builder_.Return());
}

std::vector<std::string> SchemaCompiler::Types(const Place& place) const {
  const json::value* type = Find(place, "type");
  if (type == nullptr) {
    for (const char* keyword : {"properties", "required", "additionalProperties"}) {
      if (Find(place, keyword) != nullptr) return {"object"};
    }
    if (Find(place, "items") != nullptr) return {"array"};
    return {"object", "array", "string", "number", "boolean", "null"};
  }
  std::vector<std::string> types;
  for (const json::value& item : type->is_array() ? type->get_array() : json::array(1, *type)) {
    const std::string name(item.get_string());
    if (std::find(types.begin(), types.end(), name) == types.end()) types.push_back(name);
  }
  return types;
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::OfType(const Place& place, absl::string_view type) {
  const GrammarNodeId end = builder_.Return();
  if (type == "object") return Object(place);
  if (type == "array") return Array(place);
  if (type == "string") return String(place);
  if (type == "integer") return Integer(place);
  if (type == "boolean") return builder_.OneLiteral({"true", "false"}, end);
  if (type == "null") return builder_.Literal("null", end);
  for (const char* keyword : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
    if (Find(place, keyword) != nullptr) return SchemaError(place.path, absl::StrCat("'", keyword, "' is supported for integers only"));
  }
  return builder_.Call(json_.number(), end);
}

std::vector<std::string> SchemaCompiler::Required(const Place& place) const {
  std::vector<std::string> names;
  const json::value* required = Find(place, "required");
  if (required == nullptr) return names;
  for (const json::value& item : required->get_array()) {
    const std::string name(item.get_string());
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Object(const Place& place) {
  const json::value* properties = Find(place, "properties");
  const json::value* additional = Find(place, "additionalProperties");
  std::vector<std::string> required = Required(place);
  const bool closed = additional != nullptr && additional->is_bool() && !additional->get_bool();
  GrammarRuleId further = json_.value();
  if (!closed && additional != nullptr) {
    ASSIGN_OR_RETURN(further, Rule(*additional, place.path + "/additionalProperties"));
  }
  struct Property {
    std::string name;
    GrammarRuleId value;
    bool required;
  };
  std::vector<Property> list;
  if (properties != nullptr) {
    for (const auto& member : properties->get_object()) {
      const std::string name(member.key());
      ASSIGN_OR_RETURN(const GrammarRuleId value, Rule(member.value(), MemberPlace(place.path + "/properties", name)));
      const auto found = std::find(required.begin(), required.end(), name);
      list.push_back({name, value, found != required.end()});
      required.erase(std::remove(required.begin(), required.end(), name), required.end());
    }
  }
  for (const std::string& name : required) {
    if (closed) return SchemaError(place.path, absl::StrCat("'required' names '", name, "', which 'additionalProperties': false forbids"));
    list.push_back({name, further, true});
  }
  if (list.size() > kPropertiesMax)
    return SchemaError(place.path, absl::StrCat("an object may have at most ", kPropertiesMax, " properties"));
  if (list.empty() && !closed) return json_.Map(further, builder_.Return());
  // Where the object goes on after the properties so far, none or some of them written.
  const GrammarRuleId space = json_.space();
  GrammarNodeId none = builder_.Byte('}', '}', builder_.Return());
  GrammarNodeId some = none;
  for (size_t i = list.size(); i-- > 0;) {
    const GrammarNodeId value = builder_.Call(list[i].value, builder_.Call(space, some));
    const GrammarNodeId colon = builder_.Call(space, builder_.Byte(':', ':', builder_.Call(space, value)));
    const GrammarNodeId key = builder_.Literal(json::serialize(json::string(list[i].name)), colon);
    const GrammarNodeId further_key = builder_.Byte(',', ',', builder_.Call(space, key));
    none = list[i].required ? key : builder_.AnyOf({key, none});
    some = list[i].required ? further_key : builder_.AnyOf({further_key, some});
  }
  return builder_.Byte('{', '{', builder_.Call(space, none));
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Array(const Place& place) {
  ASSIGN_OR_RETURN(const int64_t min, Count(place, "minItems", 0));
  ASSIGN_OR_RETURN(const int64_t max, Count(place, "maxItems", -1));
  if (max >= 0 && min > max) return SchemaError(place.path, "'minItems' is above 'maxItems'");
  GrammarRuleId item = json_.value();
  if (const json::value* items = Find(place, "items")) {
    ASSIGN_OR_RETURN(item, Rule(*items, place.path + "/items"));
  }
  return json_.Array(item, min, max, builder_.Return());
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::String(const Place& place) {
  ASSIGN_OR_RETURN(const int64_t min, Count(place, "minLength", 0));
  ASSIGN_OR_RETURN(const int64_t max, Count(place, "maxLength", -1));
  if (max >= 0 && min > max) return SchemaError(place.path, "'minLength' is above 'maxLength'");
  if (const json::value* format = Find(place, "format")) return FormattedString(place, std::string(format->get_string()));
  if (min == 0 && max < 0) return builder_.Call(json_.string(), builder_.Return());
  const auto character = [this](GrammarNodeId next) { return builder_.Call(json_.character(), next); };
  const GrammarNodeId close = builder_.Byte('"', '"', builder_.Return());
  return builder_.Byte('"', '"', builder_.Repeat(min, max, character, close));
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::FormattedString(const Place& place, const std::string& format) {
  for (const char* other : {"minLength", "maxLength"}) {
    if (Find(place, other) != nullptr) return SchemaError(place.path, absl::StrCat("'", other, "' beside 'format' is not supported"));
  }
  const GrammarNodeId close = builder_.Byte('"', '"', builder_.Return());
  const absl::optional<GrammarNodeId> text = AddStringFormat(format, &json_, &builder_, close);
  if (!text) {
    return SchemaError(place.path, absl::StrCat("the format '", format, "' is not supported: those that are kept are ", kStringFormats));
  }
  return builder_.Byte('"', '"', *text);
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Integer(const Place& place) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::min();
  ASSIGN_OR_RETURN(const int64_t minimum, Bound(place, "minimum", -kIntegerMax));
  ASSIGN_OR_RETURN(const int64_t maximum, Bound(place, "maximum", kIntegerMax));
  ASSIGN_OR_RETURN(const int64_t above, Bound(place, "exclusiveMinimum", kNone));
  ASSIGN_OR_RETURN(const int64_t below, Bound(place, "exclusiveMaximum", kNone));
  const int64_t low = above == kNone ? minimum : std::max(minimum, above + 1);
  const int64_t high = below == kNone ? maximum : std::min(maximum, below - 1);
  if (low > high) return SchemaError(place.path, "no integer lies between the bounds");
  if (low == -kIntegerMax && high == kIntegerMax) return builder_.Call(json_.integer(), builder_.Return());
  return json_.Integers(low, high, builder_.Return());
}

absl::StatusOr<int64_t> SchemaCompiler::Count(const Place& place, const char* keyword, int64_t absent) const {
  const json::value* value = Find(place, keyword);
  if (value == nullptr) return absent;
  json::error_code error;
  const int64_t count = value->is_number() ? value->to_number<int64_t>(error) : -1;
  if (error || count < 0 || count > kCountMax) {
    return SchemaError(place.path, absl::StrCat("'", keyword, "' must be an integer from 0 to ", kCountMax));
  }
  return count;
}

absl::StatusOr<int64_t> SchemaCompiler::Bound(const Place& place, const char* keyword, int64_t absent) const {
  const json::value* value = Find(place, keyword);
  if (value == nullptr) return absent;
  json::error_code error;
  const int64_t bound = value->is_number() ? value->to_number<int64_t>(error) : 0;
  if (!value->is_number() || error || bound < -kIntegerMax || bound > kIntegerMax) {
    return SchemaError(place.path, absl::StrCat("'", keyword, "' must be an integer of at most 16 digits"));
  }
  return bound;
}

}  // namespace

absl::StatusOr<GrammarRuleId> AddJsonSchema(absl::string_view schema, JsonGrammar* grammar, GrammarBuilder* builder) {
  if (schema.size() > kSchemaBytesMax) return absl::InvalidArgumentError(absl::StrCat("has more than ", kSchemaBytesMax, " bytes"));
  ASSIGN_OR_RETURN(const json::value root, ParseSchema(schema));
  return SchemaCompiler(root, grammar, builder).Root();
}

}  // namespace baleen
