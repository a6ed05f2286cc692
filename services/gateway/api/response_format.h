// The response_format field.
#ifndef BALEEN_SERVICES_GATEWAY_API_RESPONSE_FORMAT_H_
#define BALEEN_SERVICES_GATEWAY_API_RESPONSE_FORMAT_H_

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace baleen {

// The schema of any JSON object.
inline constexpr char kJsonObjectSchema[] = R"({"type":"object"})";

// The JSON Schema text that the answer must keep: of "json_schema" its own, of "json_object" kJsonObjectSchema; nullopt for "text" and for
// none. The schema itself is checked where its grammar is made.
absl::StatusOr<std::optional<std::string>> ReadResponseFormat(const boost::json::object& body);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_RESPONSE_FORMAT_H_
