// One safetensors file, mapped read-only.
#ifndef BALEEN_MODEL_CHECKPOINT_SAFETENSORS_H_
#define BALEEN_MODEL_CHECKPOINT_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "model/checkpoint/safetensors_header.h"

namespace baleen {

// Immutable; thread-safe. Data pointers live as long as the file object. The file must not shrink while it is mapped.
class SafetensorsFile {
 public:
  // Reads and checks the header only (at most 100 MiB, the format's limit). NOT_FOUND when there is no such file, INVALID_ARGUMENT naming
  // file and tensor when it is malformed.
  static absl::StatusOr<std::unique_ptr<SafetensorsFile>> Open(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  const std::string& identity() const { return identity_; }  // FileIdentity.
  const std::unordered_map<std::string, SafetensorsEntry>& entries() const { return entries_; }
  // Null when there is no such tensor.
  const SafetensorsEntry* Find(const std::string& name) const;
  // Gives back the memory of the entry's pages; reading it again takes it from the file.
  void ReleasePages(const SafetensorsEntry& entry) const;
  // The entry's end - begin bytes; any alignment.
  const std::byte* Data(const SafetensorsEntry& entry) const { return mapping_ + data_offset_ + entry.begin; }

 private:
  explicit SafetensorsFile(std::string path) : path_(std::move(path)) {}
  absl::Status Map();
  absl::Status ReadHeader();

  std::string path_;
  std::string identity_;
  const std::byte* mapping_ = nullptr;
  int64_t size_ = 0;
  int64_t data_offset_ = 0;
  std::unordered_map<std::string, SafetensorsEntry> entries_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CHECKPOINT_SAFETENSORS_H_
