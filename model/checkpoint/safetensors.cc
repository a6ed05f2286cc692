#include "model/checkpoint/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file_descriptor.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian and mapped as it is");

constexpr int64_t kLengthBytes = 8;
constexpr uintptr_t kPage = 4096;
constexpr int64_t kMaxHeaderBytes = int64_t{100} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile(path));
  RETURN_IF_ERROR(file->Map());
  RETURN_IF_ERROR(file->ReadHeader());
  return file;
}

SafetensorsFile::~SafetensorsFile() {
  if (mapping_ != nullptr) munmap(const_cast<std::byte*>(mapping_), static_cast<size_t>(size_));
}

void SafetensorsFile::ReleasePages(const SafetensorsEntry& entry) const {
  const auto begin = reinterpret_cast<uintptr_t>(Data(entry)) / kPage * kPage;
  const auto end = reinterpret_cast<uintptr_t>(Data(entry)) + static_cast<uintptr_t>(entry.end - entry.begin);
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

absl::Status SafetensorsFile::Map() {
  const FileDescriptor fd(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    const std::string message = absl::StrCat(path_, ": cannot be opened: ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::InvalidArgumentError(message);
  }
  struct stat info = {};
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path_, ": not a regular file"));
  size_ = info.st_size;
  identity_ = FileIdentity(info);
  if (size_ < kLengthBytes)
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", size_, " bytes are too few for a safetensors file"));
  void* mapping = mmap(nullptr, static_cast<size_t>(size_), PROT_READ, MAP_SHARED, fd.get(), 0);
  if (mapping == MAP_FAILED) return absl::ResourceExhaustedError(absl::StrCat(path_, ": cannot be mapped: ", std::strerror(errno)));
  mapping_ = static_cast<const std::byte*>(mapping);
  return absl::OkStatus();
}

absl::Status SafetensorsFile::ReadHeader() {
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, mapping_, sizeof(header_bytes));
  if (header_bytes > static_cast<uint64_t>(kMaxHeaderBytes) || static_cast<int64_t>(header_bytes) > size_ - kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": header length ", header_bytes, " does not fit the file's ", size_, " bytes or the limit of 100 MiB"));
  }
  data_offset_ = kLengthBytes + static_cast<int64_t>(header_bytes);
  const absl::string_view text(reinterpret_cast<const char*>(mapping_ + kLengthBytes), header_bytes);
  ASSIGN_OR_RETURN(std::vector<SafetensorsEntry> entries, ParseSafetensorsHeader(text, size_ - data_offset_, path_));
  entries_.reserve(entries.size());
  for (SafetensorsEntry& entry : entries) {
    std::string name = entry.name;
    entries_.emplace(std::move(name), std::move(entry));
  }
  return absl::OkStatus();
}

const SafetensorsEntry* SafetensorsFile::Find(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace baleen
