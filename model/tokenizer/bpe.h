// Byte-pair encoding of one piece.
#ifndef BALEEN_MODEL_TOKENIZER_BPE_H_
#define BALEEN_MODEL_TOKENIZER_BPE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace baleen {

struct BpeMerge {
  int32_t left;
  int32_t right;
  int32_t result;
};

// Immutable, thread-safe.
class Bpe {
 public:
  // `byte_ids`: the token of each byte. `merges` in rank order; a pair named twice keeps its last rank.
  Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<BpeMerge>& merges);

  // Appends the tokens of a piece shorter than 4 GiB: the pair of lowest rank merges first, the leftmost of equals. O(n log n).
  void Encode(absl::string_view piece, std::vector<int32_t>* ids) const;

 private:
  struct Rule {
    uint32_t rank;
    int32_t result;
  };
  static uint64_t Key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  const Rule* Find(int32_t left, int32_t right) const;
  void EncodeShort(absl::string_view piece, std::vector<int32_t>* ids) const;
  void EncodeLong(absl::string_view piece, std::vector<int32_t>* ids) const;

  std::array<int32_t, 256> byte_ids_;
  absl::flat_hash_map<uint64_t, Rule> rules_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_BPE_H_
