#include "model/tokenizer/json_text.h"

#include <boost/json.hpp>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace baleen {

absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t max_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  const std::streamoff size = file.tellg();
  // A directory opens and reports the largest offset.
  if (size < 0 || static_cast<size_t>(size) > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no file of at most ", max_bytes, " bytes"));
  }
  std::string text(static_cast<size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  return text;
}

absl::StatusOr<boost::json::value> ParseJsonObject(absl::string_view text, absl::string_view origin) {
  boost::json::parse_options options;
  options.max_depth = 32;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return absl::InvalidArgumentError(absl::StrCat(origin, ": not valid JSON: ", error.message()));
  if (!value.is_object()) return absl::InvalidArgumentError(absl::StrCat(origin, ": must be a JSON object"));
  return value;
}

}  // namespace baleen
