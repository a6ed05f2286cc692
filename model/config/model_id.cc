#include "model/config/model_id.h"

#include <filesystem>

#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace baleen {

namespace {

constexpr absl::string_view kCachePrefix = "models--";
constexpr absl::string_view kCacheSeparator = "--";

// "NAME" of the cache's "models--ORG--NAME"; empty for what is none.
absl::string_view NameInCache(absl::string_view folder) {
  if (!absl::ConsumePrefix(&folder, kCachePrefix)) return "";
  const size_t separator = folder.find(kCacheSeparator);
  return separator == absl::string_view::npos ? folder : folder.substr(separator + kCacheSeparator.size());
}

}  // namespace

std::string ModelId(const std::string& directory) {
  const std::filesystem::path given(directory);
  const std::filesystem::path path = given.has_filename() ? given : given.parent_path();
  if (path.parent_path().filename() == "snapshots") {
    const std::string folder = path.parent_path().parent_path().filename().string();
    if (const absl::string_view name = NameInCache(folder); !name.empty()) return std::string(name);
  }
  return path.filename().string();
}

}  // namespace baleen
