// Random values, fast enough to fill a disk.
#ifndef BALEEN_TOOLS_MAKE_CHECKPOINT_RANDOM_FILL_H_
#define BALEEN_TOOLS_MAKE_CHECKPOINT_RANDOM_FILL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "tools/make_checkpoint/tensor_plan.h"

namespace baleen {

// A tensor's values depend on the seed, its name and the element's index only. Matrices are normal with deviation 0.02 (FP8 ones after
// their scales are applied), norms 1, gate biases normal with deviation 0.02. Immutable; thread-safe.
class RandomFill {
 public:
  explicit RandomFill(uint64_t seed);

  // Writes elements [first, first + count) in the tensor's dtype; `first` is a multiple of 4.
  void Fill(const PlannedTensor& tensor, int64_t first, int64_t count, std::byte* out) const;

 private:
  uint64_t seed_;
  // By 16 random bits: the normal distribution's quantiles in each type.
  std::vector<float> normal_;
  std::vector<Bf16> bf16_;
  std::vector<uint8_t> fp8_;
};

}  // namespace baleen

#endif  // BALEEN_TOOLS_MAKE_CHECKPOINT_RANDOM_FILL_H_
