#include "model/sampling/grammar/json_schema.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr int64_t kIntegerMax = 9'999'999'999'999'999;  // 16 digits, as JsonGrammar's numbers.
constexpr int64_t kCountMax = 1 << 16;
constexpr size_t kEnumMax = 1000;
constexpr size_t kPropertiesMax = 256;
constexpr size_t kAlternativesMax = 64;
constexpr int kRuleDepthMax = 128;  // Schemas within schemas and references; bounds the compiler's own stack.

// Keywords that would narrow what is valid and are not honoured.
constexpr std::array kRefused = {"oneOf",
                                 "not",
                                 "if",
                                 "then",
                                 "else",
                                 "pattern",
                                 "patternProperties",
                                 "propertyNames",
                                 "minProperties",
                                 "maxProperties",
                                 "dependentRequired",
                                 "dependentSchemas",
                                 "unevaluatedProperties",
                                 "unevaluatedItems",
                                 "prefixItems",
                                 "contains",
                                 "minContains",
                                 "maxContains",
                                 "uniqueItems",
                                 "multipleOf",
                                 "$dynamicRef",
                                 "$recursiveRef"};

// Those that stand alone: no sibling keyword may constrain too.
constexpr std::array kAssertions = {
    "type",     "enum",     "const",     "anyOf",     "allOf",   "properties", "required",         "additionalProperties", "items",
    "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum",    "exclusiveMinimum", "exclusiveMaximum",     "$ref"};

constexpr std::array kTypes = {"object", "array", "string", "number", "integer", "boolean", "null"};

struct Place {
  const json::object* object;
  std::string path;  // JSON pointer.
};

absl::Status Refuse(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("at '", path.empty() ? "/" : path, "': ", what));
}

bool HasType(const json::value& value, absl::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  return value.is_number();
}

class SchemaCompiler {
 public:
  SchemaCompiler(const json::value& root, JsonGrammar* grammar, GrammarBuilder* builder)
      : root_(root), json_(*grammar), builder_(*builder) {}

  absl::StatusOr<GrammarRuleId> Rule(const json::value& schema, const std::string& path);

 private:
  absl::StatusOr<GrammarNodeId> Body(const json::value& schema, const std::string& path);
  absl::Status CheckKeywords(const Place& place) const;
  absl::Status CheckAlone(const Place& place, absl::string_view keyword) const;
  absl::StatusOr<GrammarNodeId> Reference(const Place& place, const json::value& target);
  absl::StatusOr<GrammarNodeId> AnyOf(const Place& place, const json::value& list);
  absl::StatusOr<GrammarNodeId> Enumerated(const Place& place);
  absl::StatusOr<std::vector<std::string>> Types(const Place& place) const;
  absl::StatusOr<GrammarNodeId> OfType(const Place& place, absl::string_view type);
  absl::StatusOr<GrammarNodeId> Object(const Place& place);
  absl::StatusOr<GrammarNodeId> Array(const Place& place);
  absl::StatusOr<GrammarNodeId> String(const Place& place);
  absl::StatusOr<GrammarNodeId> Integer(const Place& place);
  absl::StatusOr<std::vector<std::string>> Required(const Place& place) const;
  absl::StatusOr<int64_t> Count(const Place& place, const char* keyword, int64_t absent) const;
  absl::StatusOr<int64_t> Bound(const Place& place, const char* keyword, int64_t absent) const;

  static const json::value* Find(const Place& place, absl::string_view keyword) {
    return place.object->if_contains(json::string_view(keyword.data(), keyword.size()));
  }

  const json::value& root_;
  JsonGrammar& json_;
  GrammarBuilder& builder_;
  int depth_ = 0;
  std::map<const json::value*, GrammarRuleId> rules_;  // Also those under way: schemas may refer to themselves.
};

absl::StatusOr<GrammarRuleId> SchemaCompiler::Rule(const json::value& schema, const std::string& path) {
  const auto known = rules_.find(&schema);
  if (known != rules_.end()) return known->second;
  if (depth_ == kRuleDepthMax) return Refuse(path, absl::StrCat("schemas and references nest deeper than ", kRuleDepthMax));
  const GrammarRuleId rule = builder_.DeclareRule();
  rules_[&schema] = rule;
  ++depth_;
  ASSIGN_OR_RETURN(const GrammarNodeId start, Body(schema, path));
  --depth_;
  builder_.DefineRule(rule, start);
  if (builder_.full()) return Refuse(path, "the schema is too large");
  return rule;
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Body(const json::value& schema, const std::string& path) {
  if (schema.is_bool()) {
    if (!schema.as_bool()) return Refuse(path, "the schema false admits nothing");
    return builder_.Call(json_.value(), builder_.Return());
  }
  if (!schema.is_object()) return Refuse(path, "a schema must be an object or a boolean");
  const Place place{&schema.get_object(), path};
  RETURN_IF_ERROR(CheckKeywords(place));
  if (const json::value* target = Find(place, "$ref")) return Reference(place, *target);
  if (Find(place, "enum") != nullptr || Find(place, "const") != nullptr) return Enumerated(place);
  if (const json::value* list = Find(place, "anyOf")) {
    RETURN_IF_ERROR(CheckAlone(place, "anyOf"));
    return AnyOf(place, *list);
  }
  if (const json::value* list = Find(place, "allOf")) {
    RETURN_IF_ERROR(CheckAlone(place, "allOf"));
    if (!list->is_array() || list->get_array().size() != 1) return Refuse(path, "'allOf' is supported with exactly one schema");
    return AnyOf(place, *list);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> types, Types(place));
  std::vector<GrammarNodeId> alternatives;
  for (const std::string& type : types) {
    ASSIGN_OR_RETURN(const GrammarNodeId node, OfType(place, type));
    alternatives.push_back(node);
  }
  return builder_.AnyOf(alternatives);
}

absl::Status SchemaCompiler::CheckKeywords(const Place& place) const {
  for (const char* keyword : kRefused) {
    const json::value* value = Find(place, keyword);
    if (value == nullptr || (value->is_bool() && !value->get_bool())) continue;
    return Refuse(place.path, absl::StrCat("'", keyword, "' is not supported"));
  }
  return absl::OkStatus();
}

absl::Status SchemaCompiler::CheckAlone(const Place& place, absl::string_view keyword) const {
  for (const char* other : kAssertions) {
    if (keyword == absl::string_view(other) || Find(place, other) == nullptr) continue;
    return Refuse(place.path, absl::StrCat("'", other, "' beside '", keyword, "' is not supported"));
  }
  return absl::OkStatus();
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Reference(const Place& place, const json::value& target) {
  RETURN_IF_ERROR(CheckAlone(place, "$ref"));
  if (!target.is_string()) return Refuse(place.path, "'$ref' must be a string");
  const json::string& text = target.get_string();
  if (text.empty() || text[0] != '#') return Refuse(place.path, "'$ref' must point into this schema, as in '#/$defs/name'");
  json::error_code error;
  const json::value* found = root_.find_pointer(json::string_view(text).substr(1), error);
  if (error || found == nullptr)
    return Refuse(place.path, absl::StrCat("'$ref' points to nothing: ", absl::string_view(text.data(), text.size())));
  ASSIGN_OR_RETURN(const GrammarRuleId rule, Rule(*found, std::string(text.data() + 1, text.size() - 1)));
  return builder_.Call(rule, builder_.Return());
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::AnyOf(const Place& place, const json::value& list) {
  if (!list.is_array() || list.get_array().empty()) return Refuse(place.path, "'anyOf' must be a list of schemas");
  if (list.get_array().size() > kAlternativesMax)
    return Refuse(place.path, absl::StrCat("'anyOf' may hold at most ", kAlternativesMax, " schemas"));
  std::vector<GrammarNodeId> alternatives;
  for (size_t i = 0; i < list.get_array().size(); ++i) {
    ASSIGN_OR_RETURN(const GrammarRuleId rule, Rule(list.get_array()[i], absl::StrCat(place.path, "/anyOf/", i)));
    alternatives.push_back(builder_.Call(rule, builder_.Return()));
  }
  return builder_.AnyOf(alternatives);
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Enumerated(const Place& place) {
  const json::value* single = Find(place, "const");
  const json::value* list = Find(place, "enum");
  if (single != nullptr && list != nullptr) return Refuse(place.path, "'const' beside 'enum' is not supported");
  if (list != nullptr && !list->is_array()) return Refuse(place.path, "'enum' must be a list");
  const json::array values = list != nullptr ? list->get_array() : json::array{*single};
  if (values.size() > kEnumMax) return Refuse(place.path, absl::StrCat("'enum' may hold at most ", kEnumMax, " values"));
  for (const char* other : {"anyOf", "allOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"}) {
    if (Find(place, other) != nullptr) return Refuse(place.path, absl::StrCat("'", other, "' beside 'enum' or 'const' is not supported"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> types, Types(place));
  std::vector<std::string> texts;
  for (const json::value& value : values) {
    const auto fits = [&value](const std::string& type) { return HasType(value, type); };
    if (std::any_of(types.begin(), types.end(), fits)) texts.push_back(json::serialize(value));
  }
  if (texts.empty()) return Refuse(place.path, "no value of 'enum' or 'const' has the 'type'");
  return builder_.OneLiteral(std::move(texts), builder_.Return());
}

absl::StatusOr<std::vector<std::string>> SchemaCompiler::Types(const Place& place) const {
  const json::value* type = Find(place, "type");
  if (type == nullptr) {
    for (const char* keyword : {"properties", "required", "additionalProperties"}) {
      if (Find(place, keyword) != nullptr) return std::vector<std::string>{"object"};
    }
    if (Find(place, "items") != nullptr) return std::vector<std::string>{"array"};
    return std::vector<std::string>{"object", "array", "string", "number", "boolean", "null"};
  }
  const json::array list = type->is_array() ? type->get_array() : json::array{*type};
  std::vector<std::string> types;
  for (const json::value& item : list) {
    const std::string name = item.is_string() ? std::string(item.get_string()) : "";
    if (std::find(kTypes.begin(), kTypes.end(), name) == kTypes.end()) {
      return Refuse(place.path, "'type' must be object, array, string, number, integer, boolean, null or a list of these");
    }
    if (std::find(types.begin(), types.end(), name) == types.end()) types.push_back(name);
  }
  if (types.empty()) return Refuse(place.path, "'type' must not be an empty list");
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
    if (Find(place, keyword) != nullptr) return Refuse(place.path, absl::StrCat("'", keyword, "' is supported for integers only"));
  }
  return builder_.Call(json_.number(), end);
}

absl::StatusOr<std::vector<std::string>> SchemaCompiler::Required(const Place& place) const {
  std::vector<std::string> names;
  const json::value* required = Find(place, "required");
  if (required == nullptr) return names;
  if (!required->is_array()) return Refuse(place.path, "'required' must be a list of names");
  for (const json::value& name : required->get_array()) {
    if (!name.is_string()) return Refuse(place.path, "'required' must be a list of names");
    names.emplace_back(name.get_string());
  }
  return names;
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Object(const Place& place) {
  const json::value* properties = Find(place, "properties");
  const json::value* additional = Find(place, "additionalProperties");
  if (properties != nullptr && !properties->is_object()) return Refuse(place.path, "'properties' must be an object");
  ASSIGN_OR_RETURN(std::vector<std::string> required, Required(place));
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
      ASSIGN_OR_RETURN(const GrammarRuleId value, Rule(member.value(), absl::StrCat(place.path, "/properties/", name)));
      const auto found = std::find(required.begin(), required.end(), name);
      list.push_back({name, value, found != required.end()});
      required.erase(std::remove(required.begin(), required.end(), name), required.end());
    }
  }
  for (const std::string& name : required) {
    if (closed) return Refuse(place.path, absl::StrCat("'required' names '", name, "', which 'additionalProperties': false forbids"));
    list.push_back({name, further, true});
  }
  if (list.size() > kPropertiesMax) return Refuse(place.path, absl::StrCat("an object may have at most ", kPropertiesMax, " properties"));
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
  if (max >= 0 && min > max) return Refuse(place.path, "'minItems' is above 'maxItems'");
  GrammarRuleId item = json_.value();
  if (const json::value* items = Find(place, "items")) {
    ASSIGN_OR_RETURN(item, Rule(*items, place.path + "/items"));
  }
  return json_.Array(item, min, max, builder_.Return());
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::String(const Place& place) {
  ASSIGN_OR_RETURN(const int64_t min, Count(place, "minLength", 0));
  ASSIGN_OR_RETURN(const int64_t max, Count(place, "maxLength", -1));
  if (max >= 0 && min > max) return Refuse(place.path, "'minLength' is above 'maxLength'");
  if (min == 0 && max < 0) return builder_.Call(json_.string(), builder_.Return());
  const auto character = [this](GrammarNodeId next) { return builder_.Call(json_.character(), next); };
  const GrammarNodeId close = builder_.Byte('"', '"', builder_.Return());
  return builder_.Byte('"', '"', builder_.Repeat(min, max, character, close));
}

absl::StatusOr<GrammarNodeId> SchemaCompiler::Integer(const Place& place) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::min();
  ASSIGN_OR_RETURN(const int64_t minimum, Bound(place, "minimum", -kIntegerMax));
  ASSIGN_OR_RETURN(const int64_t maximum, Bound(place, "maximum", kIntegerMax));
  ASSIGN_OR_RETURN(const int64_t above, Bound(place, "exclusiveMinimum", kNone));
  ASSIGN_OR_RETURN(const int64_t below, Bound(place, "exclusiveMaximum", kNone));
  const int64_t low = above == kNone ? minimum : std::max(minimum, above + 1);
  const int64_t high = below == kNone ? maximum : std::min(maximum, below - 1);
  if (low > high) return Refuse(place.path, "no integer lies between the bounds");
  if (low == -kIntegerMax && high == kIntegerMax) return builder_.Call(json_.integer(), builder_.Return());
  return json_.Integers(low, high, builder_.Return());
}

absl::StatusOr<int64_t> SchemaCompiler::Count(const Place& place, const char* keyword, int64_t absent) const {
  const json::value* value = Find(place, keyword);
  if (value == nullptr) return absent;
  json::error_code error;
  const int64_t count = value->is_number() ? value->to_number<int64_t>(error) : -1;
  if (error || count < 0 || count > kCountMax) {
    return Refuse(place.path, absl::StrCat("'", keyword, "' must be an integer from 0 to ", kCountMax));
  }
  return count;
}

absl::StatusOr<int64_t> SchemaCompiler::Bound(const Place& place, const char* keyword, int64_t absent) const {
  const json::value* value = Find(place, keyword);
  if (value == nullptr) return absent;
  json::error_code error;
  const int64_t bound = value->is_number() ? value->to_number<int64_t>(error) : 0;
  if (!value->is_number() || error || bound < -kIntegerMax || bound > kIntegerMax) {
    return Refuse(place.path, absl::StrCat("'", keyword, "' must be an integer of at most 16 digits"));
  }
  return bound;
}

}  // namespace

absl::StatusOr<GrammarRuleId> AddJsonSchema(absl::string_view schema, JsonGrammar* grammar, GrammarBuilder* builder) {
  if (schema.size() > kSchemaBytesMax) return absl::InvalidArgumentError(absl::StrCat("has more than ", kSchemaBytesMax, " bytes"));
  json::parse_options options;
  options.max_depth = kSchemaDepthMax;
  json::error_code error;
  const json::value root = json::parse(json::string_view(schema.data(), schema.size()), error, {}, options);
  if (error) return absl::InvalidArgumentError(absl::StrCat("is not JSON of at most ", kSchemaDepthMax, " levels: ", error.message()));
  return SchemaCompiler(root, grammar, builder).Rule(root, "");
}

}  // namespace baleen
