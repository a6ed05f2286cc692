#include "tests/fuzz/fuzz_input.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace baleen {

void Require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: broken: %s\n", property);
  std::abort();
}

std::string FuzzInput::Take(size_t size, size_t dropped) {
  const std::string taken(rest_.substr(0, size));
  rest_.remove_prefix(std::min(rest_.size(), size + dropped));
  return taken;
}

uint8_t FuzzInput::Byte() {
  const std::string byte = Bytes(1);
  return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
}

std::string FuzzInput::Bytes(size_t size) { return Take(std::min(size, rest_.size()), 0); }

std::string FuzzInput::Line() { return Take(std::min(rest_.find('\n'), rest_.size()), 1); }

std::string FuzzInput::Section() {
  constexpr absl::string_view kEnd = "\n---\n";
  const size_t end = rest_.find(kEnd);
  return end == absl::string_view::npos ? Rest() : Take(end, kEnd.size());
}

std::string FuzzInput::Rest() { return Take(rest_.size(), 0); }

std::vector<absl::string_view> CutText(absl::string_view text, absl::string_view cuts) {
  std::vector<absl::string_view> pieces;
  for (size_t i = 0; !text.empty(); ++i) {
    const size_t size = cuts.empty() ? text.size() : static_cast<uint8_t>(cuts[i % cuts.size()]) + size_t{1};
    pieces.push_back(text.substr(0, size));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

}  // namespace baleen
