#include "services/gateway/api/response_format.h"

#include <boost/json.hpp>

#include "base/status_macros.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"

namespace baleen {

namespace json = boost::json;

absl::StatusOr<std::optional<std::string>> ReadResponseFormat(const json::object& body) {
  const json::value* format = FindField(body, "response_format");
  if (format == nullptr) return std::optional<std::string>();
  if (!format->is_object()) return InvalidField("response_format", "must be an object such as {\"type\": \"json_object\"}.");
  ASSIGN_OR_RETURN(const auto type, ReadString(format->as_object(), "type"));
  if (type == "text") return std::optional<std::string>();
  if (type == "json_object") return std::optional<std::string>(kJsonObjectSchema);
  if (type != "json_schema") return InvalidField("response_format", "needs the type text, json_object or json_schema.");
  const json::value* named = FindField(format->as_object(), "json_schema");
  const json::value* schema = named != nullptr && named->is_object() ? FindField(named->as_object(), "schema") : nullptr;
  if (schema == nullptr || !schema->is_object()) {
    return InvalidField("response_format", "of type json_schema needs the schema as an object in 'json_schema.schema'.");
  }
  RETURN_IF_ERROR(ReadString(named->as_object(), "name").status());
  return std::optional<std::string>(json::serialize(*schema));
}

}  // namespace baleen
