// A set of token ids.
#ifndef BALEEN_MODEL_SAMPLING_TOKEN_MASK_H_
#define BALEEN_MODEL_SAMPLING_TOKEN_MASK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace baleen {

// Thread-compatible. Ids outside [0, size) are never in it.
class TokenMask {
 public:
  explicit TokenMask(int64_t size, bool all = false) : words_((static_cast<size_t>(size) + 63) / 64, all ? ~uint64_t{0} : 0) {}

  void Set(int32_t id) {
    if (Holds(id)) words_[static_cast<size_t>(id) / 64] |= Bit(id);
  }
  void Clear(int32_t id) {
    if (Holds(id)) words_[static_cast<size_t>(id) / 64] &= ~Bit(id);
  }
  bool Test(int32_t id) const { return Holds(id) && (words_[static_cast<size_t>(id) / 64] & Bit(id)) != 0; }

 private:
  bool Holds(int32_t id) const { return id >= 0 && static_cast<size_t>(id) / 64 < words_.size(); }
  static uint64_t Bit(int32_t id) { return uint64_t{1} << (static_cast<uint32_t>(id) % 64); }

  std::vector<uint64_t> words_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_TOKEN_MASK_H_
