// Tells when a file was written or replaced.
#ifndef BALEEN_SERVICES_COMMON_FILE_WATCHER_H_
#define BALEEN_SERVICES_COMMON_FILE_WATCHER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace baleen {

// Looks at the file once a `period`, through symbolic links: Kubernetes replaces mounted secrets by turning a link. A file that is gone
// changes nothing until there is one again.
class FileWatcher {
 public:
  // `on_change` is called on the watcher's thread, after each change since the construction.
  FileWatcher(std::string path, absl::Duration period, std::function<void()> on_change);
  ~FileWatcher();  // Waits for a call under way.

 private:
  void Watch();

  const std::string path_;
  const absl::Duration period_;
  const std::function<void()> on_change_;
  std::string last_;  // The file as last seen.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_FILE_WATCHER_H_
