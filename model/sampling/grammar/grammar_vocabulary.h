// A tokenizer's vocabulary, sorted so that a grammar can walk it.
#ifndef BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_VOCABULARY_H_
#define BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_VOCABULARY_H_

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {

// Immutable, thread-safe. Added tokens are no text to a grammar: only a kToken node admits them.
class GrammarVocabulary {
 public:
  struct Entry {
    int32_t id;
    uint32_t offset;  // Of its bytes.
    uint32_t size;
    uint32_t shared;  // How many first bytes it shares with the entry before it.
  };

  // Of ids below `size`. Keeps nothing of the tokenizer.
  GrammarVocabulary(const Tokenizer& tokenizer, int64_t size);

  const std::vector<Entry>& entries() const { return entries_; }  // In the order of their bytes.
  absl::string_view Bytes(const Entry& entry) const { return absl::string_view(text_).substr(entry.offset, entry.size); }
  // Empty for added and unknown ids.
  absl::string_view BytesOf(int32_t id) const;
  // There is a token of this one byte, so that a grammar that admits it never gets stuck.
  bool HasByte(uint8_t byte) const { return single_bytes_[byte]; }
  size_t longest() const { return longest_; }  // Bytes of the longest token.
  int64_t size() const { return static_cast<int64_t>(by_id_.size()); }

 private:
  std::string text_;
  std::vector<Entry> entries_;
  std::vector<int32_t> by_id_;  // Index into entries_; -1 = none.
  std::bitset<256> single_bytes_;
  size_t longest_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_GRAMMAR_GRAMMAR_VOCABULARY_H_
