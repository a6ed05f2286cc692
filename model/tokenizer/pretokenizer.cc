#include "model/tokenizer/pretokenizer.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "model/tokenizer/utf8.h"

namespace baleen {

absl::StatusOr<Pretokenizer> Pretokenizer::Create(const std::vector<std::string>& patterns) {
  std::vector<SplitRegex> steps;
  for (size_t i = 0; i < patterns.size(); ++i) {
    absl::StatusOr<SplitRegex> step = SplitRegex::Create(patterns[i]);
    if (!step.ok()) return absl::Status(step.status().code(), absl::StrCat("split step ", i, ": ", step.status().message()));
    steps.push_back(*std::move(step));
  }
  return Pretokenizer(std::move(steps));
}

Pretokenizer::Pretokenizer(std::vector<SplitRegex> steps) : steps_(std::move(steps)) {}

std::vector<absl::string_view> Pretokenizer::Split(absl::string_view text) const {
  size_t valid = ValidUtf8Prefix(text);
  if (valid == text.size()) return SplitValid(text);
  std::vector<absl::string_view> pieces;
  while (!text.empty()) {
    for (absl::string_view piece : SplitValid(text.substr(0, valid))) pieces.push_back(piece);
    text.remove_prefix(valid);
    if (text.empty()) break;
    pieces.push_back(text.substr(0, 1));
    text.remove_prefix(1);
    valid = ValidUtf8Prefix(text);
  }
  return pieces;
}

std::vector<absl::string_view> Pretokenizer::SplitValid(absl::string_view text) const {
  std::vector<absl::string_view> pieces;
  if (text.empty()) return pieces;
  pieces.push_back(text);
  std::vector<absl::string_view> next;
  for (const SplitRegex& step : steps_) {
    next.clear();
    for (absl::string_view piece : pieces) step.Split(piece, &next);
    pieces.swap(next);
  }
  return pieces;
}

}  // namespace baleen
