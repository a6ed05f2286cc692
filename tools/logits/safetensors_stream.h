// Writes a safetensors file front to back: the header first, then the tensors' bytes in order.
#ifndef BALEEN_TOOLS_LOGITS_SAFETENSORS_STREAM_H_
#define BALEEN_TOOLS_LOGITS_SAFETENSORS_STREAM_H_

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/dtype.h"

namespace baleen {

struct TensorSpec {
  std::string name;  // Printable ASCII without quotes and backslashes.
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
};

// Errors name the file.
class SafetensorsStream {
 public:
  static absl::StatusOr<std::unique_ptr<SafetensorsStream>> Create(const std::string& path, const std::vector<TensorSpec>& tensors);

  // The next bytes of the tensors, little-endian as they stand in memory.
  void Append(const void* data, int64_t bytes);
  // INTERNAL unless exactly the bytes that the header promises have been appended; UNAVAILABLE when the disk did not take them.
  absl::Status Close();

 private:
  SafetensorsStream(const std::string& path, int64_t promised);

  std::string path_;
  std::ofstream file_;
  int64_t promised_ = 0;
  int64_t appended_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_TOOLS_LOGITS_SAFETENSORS_STREAM_H_
