#include "services/gateway/api/json_fields.h"

#include <boost/json.hpp>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "services/gateway/api/api_error.h"

namespace baleen {

namespace json = boost::json;

namespace {

std::string FullName(absl::string_view within, absl::string_view name) {
  return within.empty() ? std::string(name) : absl::StrCat(within, ".", name);
}

bool IsWhole(const json::value& number) { return !number.is_double() || std::trunc(number.get_double()) == number.get_double(); }

}  // namespace

absl::StatusOr<json::object> ParseBody(absl::string_view body, absl::string_view what) {
  json::parse_options options;
  options.max_depth = 32;
  json::error_code error;
  json::stream_parser parser({}, options);
  const size_t read = parser.write_some(body.data(), body.size(), error);
  if (!error && !parser.done()) parser.finish(error);
  if (error) {
    return absl::InvalidArgumentError(absl::StrCat(what, " is not valid JSON: ", error.message(), " near byte ", read, "."));
  }
  json::value value = parser.release();
  if (!value.is_object()) return absl::InvalidArgumentError(absl::StrCat(what, " must be a JSON object."));
  if (read != body.size() && body.find_first_not_of(" \t\r\n", read) != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(what, " goes on after its JSON object, at byte ", read, "."));
  }
  return std::move(value.as_object());
}

const json::value* FindField(const json::object& object, absl::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

absl::StatusOr<std::optional<double>> ReadNumber(const json::object& object, absl::string_view name, double min, double max) {
  const json::value* value = FindField(object, name);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number()) return InvalidField(name, "must be a number.");
  const double number = value->to_number<double>();
  if (!std::isfinite(number) || number < min || number > max) {
    return InvalidField(name, absl::StrCat("must be between ", min, " and ", max, "."));
  }
  return std::optional<double>(number);
}

absl::StatusOr<std::optional<int64_t>> ReadInteger(const json::object& object, absl::string_view name, int64_t min, int64_t max) {
  const json::value* value = FindField(object, name);
  if (value == nullptr) return std::optional<int64_t>();
  json::error_code error;
  const int64_t number = value->is_number() ? value->to_number<int64_t>(error) : 0;
  if (!value->is_number() || (error && !IsWhole(*value))) return InvalidField(name, "must be an integer.");
  if (error || number < min || number > max) return InvalidField(name, absl::StrCat("must be between ", min, " and ", max, "."));
  return std::optional<int64_t>(number);
}

absl::StatusOr<std::optional<double>> ReadNumber(const json::object& object, const NumberField& field) {
  return ReadNumber(object, field.name, field.min, field.max);
}

absl::StatusOr<std::optional<int64_t>> ReadInteger(const json::object& object, const IntegerField& field) {
  return ReadInteger(object, field.name, field.min, field.max);
}

absl::StatusOr<std::optional<bool>> ReadBool(const json::object& object, absl::string_view name, absl::string_view within) {
  const json::value* value = FindField(object, name);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return InvalidField(FullName(within, name), "must be true or false.");
  return std::optional<bool>(value->as_bool());
}

absl::StatusOr<std::optional<std::string>> ReadString(const json::object& object, absl::string_view name, absl::string_view within) {
  const json::value* value = FindField(object, name);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return InvalidField(FullName(within, name), "must be a string.");
  return std::optional<std::string>(std::string(value->as_string()));
}

}  // namespace baleen
