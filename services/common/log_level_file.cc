#include "services/common/log_level_file.h"

#include <fstream>
#include <optional>
#include <utility>

#include "services/common/log.h"

namespace baleen {
namespace {

constexpr std::streamsize kMaxWord = 16;

// The first word, cut at a length that no level has.
std::string WordIn(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file.width(kMaxWord);
  file >> word;
  return word;
}

}  // namespace

LogLevelFile::LogLevelFile(std::string path, absl::Duration period) : path_(std::move(path)), watcher_(path_, period, [this] { Apply(); }) {
  Apply();
}

void LogLevelFile::Apply() const {
  const std::string word = WordIn(path_);
  if (word.empty()) return;
  const std::optional<LogLevel> level = ParseLogLevel(word);
  if (!level) return Log(LogLevel::kError, "log_level_not_changed", {{"file", path_}, {"expected", "debug, info, warning or error"}});
  if (*level == GetLogLevel()) return;
  SetLogLevel(*level);
  // At the level that was set, so that the change shows whatever it is.
  Log(*level, "log_level_changed", {{"to", word}});
}

}  // namespace baleen
