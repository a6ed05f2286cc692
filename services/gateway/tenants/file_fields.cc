#include "services/gateway/tenants/file_fields.h"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"

namespace baleen {
namespace {

namespace json = boost::json;

// Boost's parser tells its handler of every field, where its values keep the last of two.
class FieldsOnce {
 public:
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_array_size = max_object_size;
  static constexpr size_t max_key_size = max_object_size;
  static constexpr size_t max_string_size = max_object_size;

  // The first field that was there twice, behind what it is in: "tenants[1].name".
  const std::string& twice() const { return twice_; }

  bool on_object_begin(json::error_code&) { return Enter(); }
  bool on_object_end(size_t, json::error_code&) { return Leave(); }
  bool on_array_begin(json::error_code&) {
    Enter();
    return levels_.back().list = true;
  }
  bool on_array_end(size_t, json::error_code&) { return Leave(); }
  bool on_key_part(json::string_view part, size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    Level& level = levels_.back();
    level.field = std::exchange(key_, "");
    if (!level.fields.insert(level.field).second && twice_.empty()) twice_ = Place();
    return true;
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_string_part(json::string_view, size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Level {
    bool list = false;
    std::set<std::string> fields = {};
    std::string field = {};  // The last one.
    size_t entered = 0;      // Objects and lists within, so far.
  };

  bool Enter() {
    if (!levels_.empty()) ++levels_.back().entered;
    levels_.emplace_back();
    return true;
  }
  bool Leave() {
    levels_.pop_back();
    return true;
  }

  std::string Place() const {
    std::string place;
    for (const Level& level : levels_) {
      if (level.list) {
        absl::StrAppend(&place, "[", level.entered - 1, "]");
      } else {
        absl::StrAppend(&place, place.empty() ? "" : ".", level.field);
      }
    }
    return place;
  }

  std::vector<Level> levels_;
  std::string key_;
  std::string twice_;
};

}  // namespace

absl::StatusOr<json::object> ParseFile(absl::string_view text) {
  ASSIGN_OR_RETURN(json::object object, ParseBody(text, "The file"));
  json::basic_parser<FieldsOnce> parser{json::parse_options()};
  json::error_code error;
  parser.write_some(/*more=*/false, text.data(), text.size(), error);
  const std::string& twice = parser.handler().twice();
  if (!twice.empty()) return InvalidField(twice, "is there twice.");
  return object;
}

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
