// What the gateway's own JSON files have in common.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_FILE_FIELDS_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_FILE_FIELDS_H_

#include <boost/json/object.hpp>
#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// The file's object. INVALID_ARGUMENT when it is none, or names a field that an object of it has twice: of two limits, say, one would be
// lost.
absl::StatusOr<boost::json::object> ParseFile(absl::string_view text);

// INVALID_ARGUMENT names a field that is not `known`: a limit that is misspelt must not become no limit.
absl::Status CheckKnownFields(const boost::json::object& object, std::initializer_list<absl::string_view> known);

// The status, its message after "where: ". OK stays OK.
absl::Status Located(const std::string& where, const absl::Status& status);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_FILE_FIELDS_H_
