#include "model/sampling/token_counts.h"

#include <algorithm>
#include <cstddef>

namespace baleen {

void TokenCounts::Follow(absl::Span<const int32_t> tokens, int64_t prompt_tokens) {
  if (static_cast<size_t>(prompt_tokens) != prompt_tokens_) Drop(0);
  prompt_tokens_ = static_cast<size_t>(prompt_tokens);
  const bool goes_on = tokens.size() >= followed_.size() && std::equal(followed_.begin(), followed_.end(), tokens.begin());
  if (!goes_on) Drop(CommonWith(tokens));
  for (const int32_t token : tokens.subspan(followed_.size())) {
    Count& count = counts_[token];
    ++(followed_.size() < prompt_tokens_ ? count.prompt : count.generated);
    followed_.push_back(token);
  }
}

size_t TokenCounts::CommonWith(absl::Span<const int32_t> tokens) const {
  size_t common = 0;
  while (common < std::min(tokens.size(), followed_.size()) && tokens[common] == followed_[common]) ++common;
  return common;
}

void TokenCounts::Drop(size_t size) {
  while (followed_.size() > size) {
    const auto it = counts_.find(followed_.back());
    followed_.pop_back();
    Count& count = it->second;
    --(followed_.size() < prompt_tokens_ ? count.prompt : count.generated);
    if (count.prompt == 0 && count.generated == 0) counts_.erase(it);
  }
}

}  // namespace baleen
