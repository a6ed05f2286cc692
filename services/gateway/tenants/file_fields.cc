#include "services/gateway/tenants/file_fields.h"

#include <algorithm>
#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "services/gateway/api/api_error.h"

namespace baleen {

absl::Status CheckKnownFields(const boost::json::object& object, std::initializer_list<absl::string_view> known) {
  for (const auto& member : object) {
    const absl::string_view name(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), name) == known.end()) return InvalidField(name, "is not a field.");
  }
  return absl::OkStatus();
}

absl::Status Located(const std::string& where, const absl::Status& status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(where, ": ", status.message()));
}

}  // namespace baleen
