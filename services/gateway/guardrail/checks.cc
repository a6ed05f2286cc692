#include "services/gateway/guardrail/checks.h"

#include <string>

#include "absl/strings/ascii.h"

namespace baleen {
namespace {

constexpr size_t kMinIban = 15;
constexpr size_t kMaxIban = 34;

// Letters count as 10 to 35; country code and check digits come last.
bool IsIban(absl::string_view compact) {
  if (compact.size() < kMinIban || compact.size() > kMaxIban) return false;
  int remainder = 0;
  for (size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[(i + 4) % compact.size()];
    remainder = absl::ascii_isdigit(c) ? (remainder * 10 + (c - '0')) % 97 : (remainder * 100 + (absl::ascii_toupper(c) - 'A' + 10)) % 97;
  }
  return remainder == 1;
}

}  // namespace

bool PassesLuhn(absl::string_view text) {
  int sum = 0;
  bool doubled = false;
  for (auto it = text.rbegin(); it != text.rend(); ++it) {
    if (!absl::ascii_isdigit(*it)) continue;
    const int digit = (*it - '0') * (doubled ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
    doubled = !doubled;
  }
  return sum % 10 == 0;
}

bool BeginsWithIban(absl::string_view text) {
  std::string compact;
  for (size_t i = 0; i < text.size() && compact.size() <= kMaxIban; ++i) {
    if (text[i] == ' ' && IsIban(compact)) return true;
    if (text[i] != ' ') compact.push_back(text[i]);
  }
  return IsIban(compact);
}

}  // namespace baleen
