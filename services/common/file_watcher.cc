#include "services/common/file_watcher.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

// What differs once a file was written or replaced; empty when there is none.
std::string StampOf(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return "";
  return absl::StrCat(info.st_dev, ":", info.st_ino, ":", info.st_size, ":", info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec, ":",
                      info.st_ctim.tv_sec, ".", info.st_ctim.tv_nsec);
}

}  // namespace

FileWatcher::FileWatcher(std::string path, absl::Duration period, std::function<void()> on_change)
    : path_(std::move(path)), period_(period), on_change_(std::move(on_change)), last_(StampOf(path_)) {
  thread_ = std::thread([this] { Watch(); });
}

FileWatcher::~FileWatcher() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void FileWatcher::Watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!wake_.wait_for(lock, absl::ToChronoNanoseconds(period_), [this] { return stopping_; })) {
    const std::string stamp = StampOf(path_);
    if (stamp.empty() || stamp == last_) continue;
    last_ = stamp;
    lock.unlock();
    on_change_();
    lock.lock();
  }
}

}  // namespace baleen
