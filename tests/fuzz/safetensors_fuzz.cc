// Safetensors files: every tensor that is accepted lies within the file.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/checkpoint/safetensors.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

void CheckFile(const SafetensorsFile& file, size_t size) {
  int64_t bytes = 0;
  unsigned sum = 0;
  for (const auto& [name, entry] : file.entries()) {
    Require(entry.name == name && entry.begin >= 0 && entry.begin <= entry.end, "an entry's extent is in order");
    bytes += entry.end - entry.begin;
    const std::byte* data = file.Data(entry);
    if (entry.end > entry.begin) sum += static_cast<unsigned>(data[0]) + static_cast<unsigned>(data[entry.end - entry.begin - 1]);
  }
  Require(bytes <= static_cast<int64_t>(size), "tensors do not overlap, and lie within the file");
  volatile unsigned read = sum;  // The reads above must take place.
  (void)read;
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int fd = memfd_create("safetensors", MFD_CLOEXEC);
  baleen::Require(fd >= 0 && write(fd, data, size) == static_cast<ssize_t>(size), "a file can be made");
  const auto file = baleen::SafetensorsFile::Open(absl::StrCat("/proc/self/fd/", fd));
  if (file.ok()) baleen::CheckFile(**file, size);
  close(fd);
  return 0;
}
