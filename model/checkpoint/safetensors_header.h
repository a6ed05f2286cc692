// The JSON header of a safetensors file.
#ifndef BALEEN_MODEL_CHECKPOINT_SAFETENSORS_HEADER_H_
#define BALEEN_MODEL_CHECKPOINT_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// One tensor's claim about the data that follows the header.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;           // As written: "F32", "BF16", "F8_E4M3", "I64", ...
  std::vector<int64_t> shape;  // At most 8 dimensions, none negative.
  int64_t begin = 0, end = 0;  // Byte offsets from the start of the data.
};

// Parses a header and checks it against `data_bytes` of data: known dtypes, dtype x shape equal to the extent without overflow, extents
// that cover the data without overlap or gap (the format asks for that), no name twice. Memory grows with the tensors named, not with
// what else the text holds. Entries come in order of their offsets. Errors name `origin` and the tensor.
absl::StatusOr<std::vector<SafetensorsEntry>> ParseSafetensorsHeader(absl::string_view text, int64_t data_bytes, const std::string& origin);

}  // namespace baleen

#endif  // BALEEN_MODEL_CHECKPOINT_SAFETENSORS_HEADER_H_
