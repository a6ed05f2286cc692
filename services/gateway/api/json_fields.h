// Typed, bounded reads of a request's JSON. Absent and null are the same, as OpenAI has it.
#ifndef BALEEN_SERVICES_GATEWAY_API_JSON_FIELDS_H_
#define BALEEN_SERVICES_GATEWAY_API_JSON_FIELDS_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/gateway/api/fields.h"

namespace baleen {

// A JSON object of at most 32 levels; the error says where the text stops being JSON. `what` begins its sentence.
absl::StatusOr<boost::json::object> ParseBody(absl::string_view body, absl::string_view what = "The body");

// The field, null as absent; nullptr when there is none.
const boost::json::value* FindField(const boost::json::object& object, absl::string_view name);

// Each is nullopt when absent and an error that names field and bounds when mistyped or out of [min, max]. `within` is where `object`
// stands in the request, as in messages[0]; empty = the request itself.
absl::StatusOr<std::optional<double>> ReadNumber(const boost::json::object& object, absl::string_view name, double min, double max);
absl::StatusOr<std::optional<int64_t>> ReadInteger(const boost::json::object& object, absl::string_view name, int64_t min, int64_t max);
absl::StatusOr<std::optional<double>> ReadNumber(const boost::json::object& object, const NumberField& field);
absl::StatusOr<std::optional<int64_t>> ReadInteger(const boost::json::object& object, const IntegerField& field);
absl::StatusOr<std::optional<bool>> ReadBool(const boost::json::object& object, absl::string_view name, absl::string_view within = "");
absl::StatusOr<std::optional<std::string>> ReadString(const boost::json::object& object, absl::string_view name,
                                                      absl::string_view within = "");

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_JSON_FIELDS_H_
