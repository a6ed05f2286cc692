#include "base/percent_decode.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace baleen {

std::optional<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const absl::string_view hex = text.substr(i + 1, 2);
    const auto is_digit = [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); };
    if (hex.size() != 2 || !std::all_of(hex.begin(), hex.end(), is_digit)) return std::nullopt;
    decoded += absl::HexStringToBytes(hex);
    i += 2;
  }
  return decoded;
}

}  // namespace baleen
