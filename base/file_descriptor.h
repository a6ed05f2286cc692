// Owner of a file descriptor, and what tells one file from another.
#ifndef BALEEN_BASE_FILE_DESCRIPTOR_H_
#define BALEEN_BASE_FILE_DESCRIPTOR_H_

#include <sys/stat.h>
#include <unistd.h>

#include <initializer_list>
#include <string>

namespace baleen {

// Closes it at the end. A negative one is none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// Another file on this host, or the same one written at another time, has another identity.
inline std::string FileIdentity(const struct stat& info) {
  std::string identity;
  for (const auto part : {static_cast<long>(info.st_dev), static_cast<long>(info.st_ino), static_cast<long>(info.st_size),
                          static_cast<long>(info.st_mtim.tv_sec), static_cast<long>(info.st_mtim.tv_nsec)}) {
    identity += std::to_string(part) + ":";
  }
  return identity;
}

}  // namespace baleen

#endif  // BALEEN_BASE_FILE_DESCRIPTOR_H_
