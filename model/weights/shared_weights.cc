#include "model/weights/shared_weights.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file_descriptor.h"

namespace baleen {
namespace {

// Counts changes of the panels' layout that do not change the numerics id.
constexpr char kLayout[] = "panels 1";

// A file is [the identity, zeros, where the panels end][panels, each aligned to a line][a line "name digest" for each tensor].
constexpr size_t kHeadBytes = 4096;
constexpr size_t kIdentityBytes = kHeadBytes - sizeof(uint64_t);
constexpr size_t kMaxDigestBytes = size_t{64} << 20;
constexpr size_t kLine = 64;
// Mapped at a time, most of it behind the end of the file: weights of one unit share few mappings.
constexpr size_t kChunkBytes = size_t{64} << 20;

// A unit takes another process a second or two; one that is frozen meanwhile must not hold up others.
constexpr absl::Duration kLockTime = absl::Seconds(10);
constexpr absl::Duration kLockPause = absl::Milliseconds(5);

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

absl::Status Errno(const std::string& path, const char* what) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", what, ": ", std::strerror(errno)));
}

std::string Render(const std::vector<TensorDigestEntry>& digests) {
  std::string lines;
  for (const TensorDigestEntry& entry : digests) absl::StrAppend(&lines, entry.name, " ", entry.digest, "\n");
  return lines;
}

std::optional<std::vector<TensorDigestEntry>> ParseDigests(const std::string& lines) {
  std::vector<TensorDigestEntry> digests;
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    const size_t space = line.rfind(' ');
    TensorDigestEntry entry;
    if (space == absl::string_view::npos || !absl::SimpleAtoi(line.substr(space + 1), &entry.digest)) return std::nullopt;
    entry.name = std::string(line.substr(0, space));
    digests.push_back(std::move(entry));
  }
  return digests;
}

// Part of a file in memory, as long as somebody holds it.
class Mapping {
 public:
  static std::shared_ptr<Mapping> Make(int fd, size_t offset, size_t bytes, int protection) {
    void* const data = mmap(nullptr, bytes, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (data == MAP_FAILED) return nullptr;
    madvise(data, bytes, MADV_HUGEPAGE);  // Where shared memory may have huge pages; a refusal is harmless.
    return std::shared_ptr<Mapping>(new Mapping(data, offset, bytes));
  }
  ~Mapping() { munmap(data_, bytes_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void MakeReadOnly() const { mprotect(data_, bytes_, PROT_READ); }
  bool Holds(size_t offset, size_t bytes) const { return offset >= offset_ && offset + bytes <= offset_ + bytes_; }
  char* At(size_t offset) const { return static_cast<char*>(data_) + (offset - offset_); }

 private:
  Mapping(void* data, size_t offset, size_t bytes) : data_(data), offset_(offset), bytes_(bytes) {}

  void* const data_;
  const size_t offset_;
  const size_t bytes_;
};

class PrivateUnit final : public WeightUnit {
 public:
  PanelMemory Take(size_t bytes) override { return PrivatePanels(bytes); }
  void Seal(const std::vector<TensorDigestEntry>& digests) override {}
};

// Takes follow each other in the file; both kinds of unit cut it in the same way. After one that cannot be had of the file all are of this
// process alone: where they would lie is not known any more.
class FileUnit : public WeightUnit {
 public:
  PanelMemory Take(size_t bytes) final {
    PanelMemory memory = whole_ ? Next(bytes) : PanelMemory{};
    whole_ = memory.data != nullptr;
    return whole_ ? memory : PrivatePanels(bytes);
  }

 protected:
  FileUnit(std::unique_ptr<FileDescriptor> fd, bool filled) : fd_(std::move(fd)), filled_(filled) {}

  size_t End() const { return end_; }

  // Makes sure that the file has these bytes.
  virtual bool Reserve(size_t offset, size_t bytes) = 0;

  const std::unique_ptr<FileDescriptor> fd_;
  std::vector<std::shared_ptr<Mapping>> mappings_;
  bool whole_ = true;  // All takes so far are of the file.

 private:
  // Null where there is no room or no mapping to be had.
  PanelMemory Next(size_t bytes) {
    const size_t offset = end_;
    if (!Reserve(offset, bytes)) return {};
    if (mappings_.empty() || !mappings_.back()->Holds(offset, bytes)) {
      const size_t begin = offset / kHeadBytes * kHeadBytes;
      const int protection = filled_ ? PROT_READ : PROT_READ | PROT_WRITE;
      std::shared_ptr<Mapping> mapping = Mapping::Make(fd_->get(), begin, std::max(kChunkBytes, offset - begin + bytes), protection);
      if (mapping == nullptr) return {};
      mappings_.push_back(std::move(mapping));
    }
    end_ = RoundUp(offset + bytes, kLine);
    return {.data = mappings_.back()->At(offset), .size = bytes, .filled = filled_, .owner = mappings_.back()};
  }

  const bool filled_;
  size_t end_ = kHeadBytes;
};

// What another process filled.
class FilledUnit final : public FileUnit {
 public:
  FilledUnit(std::unique_ptr<FileDescriptor> fd, size_t size, std::vector<TensorDigestEntry> digests)
      : FileUnit(std::move(fd), /*filled=*/true), size_(size), digests_(std::move(digests)) {}

  void Seal(const std::vector<TensorDigestEntry>& digests) override {}
  const std::vector<TensorDigestEntry>* SealedDigests() const override { return &digests_; }

 private:
  bool Reserve(size_t offset, size_t bytes) override { return offset + bytes <= size_; }

  const size_t size_;  // Up to the end of the panels.
  const std::vector<TensorDigestEntry> digests_;
};

// Filled here; the lock on the partial file keeps others waiting.
class NewUnit final : public FileUnit {
 public:
  NewUnit(std::unique_ptr<FileDescriptor> fd, std::string partial, std::string path, std::string head)
      : FileUnit(std::move(fd), /*filled=*/false), partial_(std::move(partial)), path_(std::move(path)), head_(std::move(head)) {}
  // A file that nobody will finish must not be reused: its memory may still be in use here.
  ~NewUnit() override {
    if (!sealed_) unlink(partial_.c_str());
  }

  void Seal(const std::vector<TensorDigestEntry>& digests) override {
    const uint64_t end = End();
    if (!whole_ || !Write(head_, 0) || !Write(std::string(reinterpret_cast<const char*>(&end), sizeof(end)), kIdentityBytes)) return;
    if (!Write(Render(digests), end)) return;
    for (const std::shared_ptr<Mapping>& mapping : mappings_) mapping->MakeReadOnly();
    sealed_ = rename(partial_.c_str(), path_.c_str()) == 0;
  }

 private:
  // A write to a page that the file system has no room for would end the process.
  bool Reserve(size_t offset, size_t bytes) override {
    return posix_fallocate(fd_->get(), static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0;
  }

  bool Write(const std::string& bytes, size_t offset) const {
    return pwrite(fd_->get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes.size());
  }

  const std::string partial_;
  const std::string path_;
  const std::string head_;
  bool sealed_ = false;
};

std::unique_ptr<FileDescriptor> OpenFile(const std::string& path, int flags) {
  return std::make_unique<FileDescriptor>(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
}

bool Read(int fd, size_t offset, size_t bytes, std::string* out) {
  out->resize(bytes);
  return pread(fd, out->data(), bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
}

// The finished file at `path`, or null where there is none with this head.
std::unique_ptr<WeightUnit> OpenFilled(const std::string& path, const std::string& head) {
  std::unique_ptr<FileDescriptor> fd = OpenFile(path, O_RDONLY);
  struct stat info = {};
  if (fd->get() < 0 || fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid()) return nullptr;
  std::string found, end_bytes, lines;
  if (!Read(fd->get(), 0, head.size(), &found) || found != head || !Read(fd->get(), kIdentityBytes, sizeof(uint64_t), &end_bytes))
    return nullptr;
  uint64_t end = 0;
  std::memcpy(&end, end_bytes.data(), sizeof(end));
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (end < kHeadBytes || end > size || size - end > kMaxDigestBytes || !Read(fd->get(), end, size - end, &lines)) return nullptr;
  std::optional<std::vector<TensorDigestEntry>> digests = ParseDigests(lines);
  return digests.has_value() ? std::make_unique<FilledUnit>(std::move(fd), end, *std::move(digests)) : nullptr;
}

bool Lock(int fd) {
  for (const absl::Time deadline = Clock::Real()->Now() + kLockTime; flock(fd, LOCK_EX | LOCK_NB) != 0; absl::SleepFor(kLockPause)) {
    if (errno != EWOULDBLOCK || Clock::Real()->Now() > deadline) return false;
  }
  return true;
}

bool IsStill(const std::string& path, int fd) {
  struct stat open_one = {}, named = {};
  return fstat(fd, &open_one) == 0 && stat(path.c_str(), &named) == 0 && open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

}  // namespace

SharedWeights::SharedWeights(std::string directory, std::string identity)
    : directory_(std::move(directory)), identity_(std::move(identity)) {}

absl::StatusOr<std::unique_ptr<SharedWeights>> SharedWeights::Open(const std::string& directory, const Checkpoint& checkpoint,
                                                                   const Numerics& numerics) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return Errno(directory, "cannot be made");
  struct stat info = {};
  if (lstat(directory.c_str(), &info) != 0) return Errno(directory, "cannot be read");
  if (!S_ISDIR(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(directory, ": not a directory"));
  if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(directory, ": shared weights need a directory that this user alone may write to"));
  }
  return std::unique_ptr<SharedWeights>(
      new SharedWeights(directory, absl::StrCat(kLayout, "\n", numerics.Id(), "\n", checkpoint.Identity(), "\n")));
}

std::unique_ptr<WeightUnit> SharedWeights::OpenUnit(const std::string& name) {
  std::string head = absl::StrCat(identity_, name, "\n");
  const std::string path = absl::StrCat(directory_, "/", name, "-", absl::Hex(XXH3_64bits(head.data(), head.size()), absl::kZeroPad16));
  head.resize(std::min(head.size(), kIdentityBytes - 1));  // The hash in the file's name covers the rest.
  head.push_back('\0');
  const std::string partial = path + ".partial";
  for (;;) {
    if (std::unique_ptr<WeightUnit> filled = OpenFilled(path, head)) return filled;
    std::unique_ptr<FileDescriptor> fd = OpenFile(partial, O_RDWR | O_CREAT);
    if (fd->get() < 0 || !Lock(fd->get())) return std::make_unique<PrivateUnit>();
    // Who held the lock before may have finished the file, or given it up.
    if (!IsStill(partial, fd->get())) continue;
    // It was finished after the first look, and the partial one is new.
    if (std::unique_ptr<WeightUnit> filled = OpenFilled(path, head)) {
      unlink(partial.c_str());
      return filled;
    }
    if (ftruncate(fd->get(), 0) != 0) return std::make_unique<PrivateUnit>();
    return std::make_unique<NewUnit>(std::move(fd), partial, path, head);
  }
}

size_t SharedWeights::Start(size_t units) const {
  // Neighbouring process ids far apart.
  return units == 0 ? 0 : static_cast<size_t>(static_cast<uint64_t>(getpid()) * 0x9e3779b97f4a7c15u >> 16) % units;
}

std::unique_ptr<WeightUnit> OpenUnit(SharedWeights* shared, const std::string& name) {
  return shared == nullptr ? std::make_unique<PrivateUnit>() : shared->OpenUnit(name);
}

}  // namespace baleen
