// How often each token id occurs in a sequence, kept from one token to the next.
#ifndef BALEEN_MODEL_SAMPLING_TOKEN_COUNTS_H_
#define BALEEN_MODEL_SAMPLING_TOKEN_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "absl/types/span.h"

namespace baleen {

// A cache: what it gives is a function of the last Follow's arguments alone. Thread-compatible.
class TokenCounts {
 public:
  struct Count {
    int64_t prompt = 0;
    int64_t generated = 0;
  };

  // From here on the counts are those of `tokens`, of which the first `prompt_tokens` are the prompt. Costs a comparison with the tokens
  // followed before, and the counting of those that differ.
  void Follow(absl::Span<const int32_t> tokens, int64_t prompt_tokens);

  // Ids that occur, in no order.
  const std::unordered_map<int32_t, Count>& counts() const { return counts_; }

 private:
  size_t CommonWith(absl::Span<const int32_t> tokens) const;
  // What was followed behind the first `size` tokens.
  void Drop(size_t size);

  std::vector<int32_t> followed_;
  size_t prompt_tokens_ = 0;
  std::unordered_map<int32_t, Count> counts_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_TOKEN_COUNTS_H_
