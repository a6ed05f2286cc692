#include "model/config/model_id.h"

#include <filesystem>

namespace baleen {

std::string ModelId(const std::string& directory) {
  const std::filesystem::path path(directory);
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

}  // namespace baleen
