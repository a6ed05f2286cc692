// What fuzz targets are made of: bytes taken apart, and properties that must hold.
#ifndef BALEEN_TESTS_FUZZ_FUZZ_INPUT_H_
#define BALEEN_TESTS_FUZZ_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace baleen {

// Ends the process, as libFuzzer wants it, with `property` on stderr unless `holds`.
void Require(bool holds, const char* property);

// Takes an input apart from its front; what is no longer there reads as 0 or as empty. Thread-compatible.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  uint8_t Byte();
  // Up to `size` bytes.
  std::string Bytes(size_t size);
  // Up to the next newline, which is dropped.
  std::string Line();
  // Up to a line of "---", which is dropped.
  std::string Section();
  std::string Rest();

 private:
  std::string Take(size_t size, size_t dropped);

  absl::string_view rest_;
};

// `text` cut into pieces whose sizes `cuts` says, over and over: each byte is a size; without any, one piece.
std::vector<absl::string_view> CutText(absl::string_view text, absl::string_view cuts);

}  // namespace baleen

#endif  // BALEEN_TESTS_FUZZ_FUZZ_INPUT_H_
