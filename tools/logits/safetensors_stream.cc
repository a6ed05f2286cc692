#include "tools/logits/safetensors_stream.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace baleen {
namespace {

int64_t BytesOf(const TensorSpec& tensor) {
  int64_t bytes = static_cast<int64_t>(SizeOf(tensor.dtype));
  for (const int64_t size : tensor.shape) bytes *= size;
  return bytes;
}

std::string HeaderOf(const std::vector<TensorSpec>& tensors) {
  std::vector<std::string> entries;
  int64_t begin = 0;
  for (const TensorSpec& tensor : tensors) {
    const int64_t end = begin + BytesOf(tensor);
    entries.push_back(absl::StrCat("\"", tensor.name, "\":{\"dtype\":\"", NameOf(tensor.dtype), "\",\"shape\":[",
                                   absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[", begin, ",", end, "]}"));
    begin = end;
  }
  std::string header = absl::StrCat("{", absl::StrJoin(entries, ","), "}");
  header.resize((header.size() + 7) / 8 * 8, ' ');  // The format wants the data aligned to 8 bytes.
  return header;
}

}  // namespace

SafetensorsStream::SafetensorsStream(const std::string& path, int64_t promised)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc), promised_(promised) {}

absl::StatusOr<std::unique_ptr<SafetensorsStream>> SafetensorsStream::Create(const std::string& path,
                                                                             const std::vector<TensorSpec>& tensors) {
  int64_t promised = 0;
  for (const TensorSpec& tensor : tensors) promised += BytesOf(tensor);
  std::unique_ptr<SafetensorsStream> stream(new SafetensorsStream(path, promised));
  if (!stream->file_) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  const std::string header = HeaderOf(tensors);
  const uint64_t size = header.size();
  stream->file_.write(reinterpret_cast<const char*>(&size), sizeof(size));
  stream->file_.write(header.data(), static_cast<std::streamsize>(size));
  return stream;
}

void SafetensorsStream::Append(const void* data, int64_t bytes) {
  file_.write(static_cast<const char*>(data), bytes);
  appended_ += bytes;
}

absl::Status SafetensorsStream::Close() {
  file_.close();
  if (file_.fail()) return absl::UnavailableError(absl::StrCat("writing ", path_, " failed"));
  if (appended_ != promised_) {
    return absl::InternalError(absl::StrCat(path_, ": ", appended_, " bytes of tensors written, the header promises ", promised_));
  }
  return absl::OkStatus();
}

}  // namespace baleen
