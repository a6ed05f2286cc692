// How a row's keys are divided over blocks, and where everything about a split lies. Pure functions of positions and shapes.
#ifndef BALEEN_KERNELS_CUDA_MLA_SPLITS_H_
#define BALEEN_KERNELS_CUDA_MLA_SPLITS_H_

#include <cstdint>

#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr int kKeyBlock = 64;     // Keys of a page, and of one step of the online softmax.
inline constexpr int kSplitBlocks = 32;  // Long enough that a split's sums (512 FP32 a head) cost little beside its keys.
inline constexpr int kSplitKeys = kSplitBlocks * kKeyBlock;
inline constexpr int kHeadTile = 64;  // Heads of one block: the rows of one product.

BALEEN_HOST_DEVICE constexpr int SplitsOf(int64_t position) { return static_cast<int>(position / kSplitKeys) + 1; }

// Blocks of keys that split `split` of a row at `position` has: 1 .. kSplitBlocks, or <= 0 when it has no such split.
BALEEN_HOST_DEVICE constexpr int BlocksOfSplit(int64_t position, int split) {
  const int64_t left = position / kKeyBlock + 1 - static_cast<int64_t>(split) * kSplitBlocks;
  return static_cast<int>(left < kSplitBlocks ? left : kSplitBlocks);
}

// Keys of block `block` that a row at `position` sees; 64 in all but the last.
BALEEN_HOST_DEVICE constexpr int VisibleKeys(int64_t position, int64_t block) {
  const int64_t left = position + 1 - block * kKeyBlock;
  return static_cast<int>(left < kKeyBlock ? left : kKeyBlock);
}

// What one thread block walks at a time: a split of a row, for one tile of heads.
struct MlaTask {
  int row;
  int split;
};

// The work of a row's splits, in blocks of keys. What begins and ends a split takes about as long as two.
inline constexpr int kSplitCost = kSplitBlocks + 2;
BALEEN_HOST_DEVICE constexpr int64_t RowCost(int64_t position) {
  return position / kKeyBlock + 1 + int64_t{SplitsOf(position)} * (kSplitCost - kSplitBlocks);
}
// The split of a row in which `cost`, below RowCost, of its work is reached.
BALEEN_HOST_DEVICE constexpr int SplitAtCost(int64_t cost) { return static_cast<int>(cost / kSplitCost); }
// Where the work of part `part` of `parts` begins, out of `cost` in all.
BALEEN_HOST_DEVICE constexpr int64_t PartBegin(int64_t cost, int part, int parts) { return cost * part / parts; }

// A split of a row and head in the workspace: all sums [.., latent], then all pairs (maximum in units of the exponent's base 2, weight).
BALEEN_HOST_DEVICE constexpr int64_t PartialIndex(int64_t row, int split, int head, int most_splits, int heads) {
  return (row * most_splits + split) * heads + head;
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_MLA_SPLITS_H_
