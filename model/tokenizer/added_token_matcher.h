// Finds added tokens in text, leftmost-longest.
#ifndef BALEEN_MODEL_TOKENIZER_ADDED_TOKEN_MATCHER_H_
#define BALEEN_MODEL_TOKENIZER_ADDED_TOKEN_MATCHER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace baleen {

// A byte trie. Thread-safe once the last Add is done.
class AddedTokenMatcher {
 public:
  AddedTokenMatcher();
  // `text` is not empty. The last id of a text wins.
  void Add(absl::string_view text, int32_t id);

  struct Match {
    size_t start;
    size_t length;  // 0 = no match; start is then the text's size.
    int32_t id;
  };
  // The leftmost match at or after `from`, the longest of those that start there.
  Match Find(absl::string_view text, size_t from) const;

 private:
  Match LongestAt(absl::string_view text, size_t start) const;

  std::vector<int32_t> ids_;                          // By node; -1 = no token ends here. Node 0 is the root.
  std::array<bool, 256> starts_{};                    // Some token starts with the byte.
  absl::flat_hash_map<uint64_t, uint32_t> children_;  // (node << 8 | byte) -> node.
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_ADDED_TOKEN_MATCHER_H_
