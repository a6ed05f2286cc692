// The log level of a running process, in a file that whoever may write it changes.
#ifndef BALEEN_SERVICES_COMMON_LOG_LEVEL_FILE_H_
#define BALEEN_SERVICES_COMMON_LOG_LEVEL_FILE_H_

#include <string>

#include "absl/time/time.h"
#include "services/common/file_watcher.h"

namespace baleen {

// Sets the level to the file's one word at construction and after each change. A file with another word, one that is empty, and one that is
// gone leave the level as it is; the first is logged.
class LogLevelFile {
 public:
  explicit LogLevelFile(std::string path, absl::Duration period = absl::Seconds(1));

 private:
  void Apply() const;

  const std::string path_;
  FileWatcher watcher_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_LOG_LEVEL_FILE_H_
