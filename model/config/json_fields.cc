#include "model/config/json_fields.h"

#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace json = boost::json;

struct JsonFields::Document {
  std::string origin;
  json::value root;
  absl::Status status;
};

namespace {

const json::value* Find(const json::object& object, const std::string& name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<int64_t> AsInt(const json::value& value, int64_t min, int64_t max) {
  if (!value.is_int64() || value.get_int64() < min || value.get_int64() > max) return std::nullopt;
  return value.get_int64();
}

std::string IntProblem(int64_t min, int64_t max) { return absl::StrCat("must be an integer from ", min, " to ", max); }

}  // namespace

JsonFields::JsonFields(std::shared_ptr<Document> document, const json::object* object, std::string prefix)
    : document_(std::move(document)), object_(object), prefix_(std::move(prefix)) {}

absl::StatusOr<JsonFields> JsonFields::Parse(const std::string& text, const std::string& origin) {
  auto document = std::make_shared<Document>();
  document->origin = origin;
  json::parse_options options;
  options.max_depth = 32;
  json::error_code error;
  document->root = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return absl::InvalidArgumentError(absl::StrCat(origin, ": not valid JSON: ", error.message()));
  if (!document->root.is_object()) return absl::InvalidArgumentError(absl::StrCat(origin, ": must be a JSON object"));
  const json::object* object = &document->root.get_object();
  return JsonFields(std::move(document), object, "");
}

absl::StatusOr<JsonFields> JsonFields::Load(const std::string& path, int64_t max_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  const std::streamoff size = file.tellg();
  if (size < 0) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  if (size > max_bytes) return absl::InvalidArgumentError(absl::StrCat(path, ": ", size, " bytes, more than the limit of ", max_bytes));
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  return Parse(text, path);
}

const absl::Status& JsonFields::status() const { return document_->status; }

void JsonFields::Fail(const std::string& name, const std::string& problem) {
  if (!document_->status.ok()) return;
  document_->status = absl::InvalidArgumentError(absl::StrCat(document_->origin, ": ", prefix_, name, ": ", problem));
}

bool JsonFields::Has(const std::string& name) const { return Find(*object_, name) != nullptr; }

bool JsonFields::Int(const std::string& name, int64_t min, int64_t max, int64_t* out) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return false;
  const std::optional<int64_t> number = AsInt(*value, min, max);
  if (!number) {
    Fail(name, IntProblem(min, max));
    return false;
  }
  *out = *number;
  return true;
}

bool JsonFields::RequiredInt(const std::string& name, int64_t min, int64_t max, int64_t* out) {
  if (!Has(name)) Fail(name, "is missing");
  return Int(name, min, max, out);
}

bool JsonFields::Number(const std::string& name, double min, double max, double* out) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return false;
  const double number = value->is_double()   ? value->get_double()
                        : value->is_int64()  ? static_cast<double>(value->get_int64())
                        : value->is_uint64() ? static_cast<double>(value->get_uint64())
                                             : std::nan("");
  if (!(number >= min && number <= max)) {
    Fail(name, absl::StrCat("must be a number from ", min, " to ", max));
    return false;
  }
  *out = number;
  return true;
}

bool JsonFields::Bool(const std::string& name, bool* out) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return false;
  if (!value->is_bool()) {
    Fail(name, "must be true or false");
    return false;
  }
  *out = value->get_bool();
  return true;
}

bool JsonFields::String(const std::string& name, std::string* out) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return false;
  if (!value->is_string()) {
    Fail(name, "must be a string");
    return false;
  }
  out->assign(value->get_string().data(), value->get_string().size());
  return true;
}

bool JsonFields::Ints(const std::string& name, int64_t min, int64_t max, std::vector<int64_t>* out) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return false;
  const json::array* list = value->if_array();
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < (list == nullptr ? 1 : list->size()); ++i) {
    const std::optional<int64_t> number = AsInt(list == nullptr ? *value : (*list)[i], min, max);
    if (!number) {
      Fail(name, absl::StrCat(IntProblem(min, max), ", or a list of them"));
      return false;
    }
    numbers.push_back(*number);
  }
  *out = std::move(numbers);
  return true;
}

bool JsonFields::Strings(const std::string& name, std::vector<std::string>* out) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return false;
  std::vector<std::string> strings;
  bool right = value->is_array();
  for (size_t i = 0; right && i < value->get_array().size(); ++i) {
    const json::string* text = value->get_array()[i].if_string();
    right = text != nullptr;
    if (right) strings.emplace_back(text->data(), text->size());
  }
  if (!right) {
    Fail(name, "must be a list of strings");
    return false;
  }
  *out = std::move(strings);
  return true;
}

bool JsonFields::StringMap(const std::string& name, std::vector<std::pair<std::string, std::string>>* out) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return false;
  if (!value->is_object()) {
    Fail(name, "must be an object");
    return false;
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const json::key_value_pair& pair : value->get_object()) {
    const std::string key(pair.key().data(), pair.key().size());
    const json::string* text = pair.value().if_string();
    if (text == nullptr) {
      Fail(absl::StrCat(name, ".", key), "must be a string");
      return false;
    }
    pairs.emplace_back(key, std::string(text->data(), text->size()));
  }
  *out = std::move(pairs);
  return true;
}

std::optional<JsonFields> JsonFields::Object(const std::string& name) {
  const json::value* value = Find(*object_, name);
  if (value == nullptr || !status().ok()) return std::nullopt;
  if (!value->is_object()) {
    Fail(name, "must be an object");
    return std::nullopt;
  }
  return JsonFields(document_, &value->get_object(), absl::StrCat(prefix_, name, "."));
}

}  // namespace baleen
