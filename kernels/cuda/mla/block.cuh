// What the roles of an attention block share: parameters, the task and shared memory.
#ifndef BALEEN_KERNELS_CUDA_MLA_BLOCK_CUH_
#define BALEEN_KERNELS_CUDA_MLA_BLOCK_CUH_

#include <cstdint>

#include "kernels/cuda/base/swizzle.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/mla/splits.h"
#include "kernels/cuda/ptx/mbarrier.cuh"

namespace baleen::cuda::mla {

inline constexpr int kRoleThreads = 128;  // Left half of the values' channels; right half; loads.
inline constexpr int kRoleWarps = kRoleThreads / 32;
inline constexpr int kThreads = 3 * kRoleThreads;
inline constexpr int kStages = 2;              // Blocks of keys in shared memory: even ones in the first, odd ones in the second.
inline constexpr int kTileBytes = 64 * 128;    // 64 rows of 64 BF16 values.
inline constexpr int kTiles = kMlaWidth / 64;  // Of queries, and of a block of keys: 8 of the latent part, 1 of the rotated one.
inline constexpr int kHalfTiles = 4;           // Of one half of the values' channels.
inline constexpr int kRopeTile = kTiles - 1;
inline constexpr int kBlockBytes = kTiles * kTileBytes;
inline constexpr int kStatsBytes = 3 * kStages * kHeadTile * 4;
inline constexpr int kSharedBytes =
    (1 + kStages) * kBlockBytes + kStatsBytes + 8 * (kStages * (kTiles + 2) + 2) + 2 * sizeof(MlaTask) + 1024;
static_assert(kSharedBytes <= 232448, "more shared memory than a block may have");

// Named barriers. The first two count for the even and the odd blocks.
inline constexpr uint32_t kWeightsReady = 1;
inline constexpr uint32_t kScored = 3;
inline constexpr uint32_t kTailCleared = 5;
inline constexpr uint32_t kSharesReady = 7;

struct Params {
  int64_t rows;
  int heads;
  int head_tiles;
  int most_splits;
  float scale;  // Of scores, for exponents of base 2.
  const int32_t* blocks;
  const int32_t* first_block;
  const int32_t* positions;
  Bf16* context;
  float* partial_sums;    // [rows, most_splits, heads, 512]
  float2* partial_stats;  // [rows, most_splits, heads]: maximum, weight
};

// What the thread block is at.
struct Task {
  int row;
  int32_t position;
  int split;
  int head_tile;
  int blocks;       // Of keys.
  int even_before;  // Blocks of earlier tasks that the first stage has held.
  int odd_before;   // And the second.
  int rows_before;  // Whose queries were here.

  __device__ int64_t first_block() const { return static_cast<int64_t>(split) * kSplitBlocks; }
  __device__ int visible(int index) const { return VisibleKeys(position, first_block() + index); }
  // The parity of the phase in which a stage holds block `index`.
  __device__ uint32_t ParityOf(int index) const { return ((index % 2 == 0 ? even_before : odd_before) + index / 2) & 1; }
};

struct Shared {
  uint8_t* query;  // Tiles of 64 channels, [heads, 64] each.
  uint8_t* keys;   // kStages of them, tiles of 64 channels, [keys, 64] each.
  float* maximum;  // [kStages, heads] after the block in that stage
  float* rescale;  // [kStages, heads] what that block's weights ask the sums before it to be multiplied by
  float* share;    // [2, heads] each scoring warpgroup's part of the sum of weights
  Barrier* full;   // [kStages, kTiles]
  Barrier* empty;  // [kStages, 2]: halves of the values
  Barrier* query_full;
  Barrier* scored;  // All scores of a task have been formed: the queries may go.
  MlaTask* bounds;  // [2] the first task, and the one behind the last

  __device__ explicit Shared(uint8_t* raw) {
    query = raw + (kSwizzleAtomBytes - SharedAddress(raw) % kSwizzleAtomBytes) % kSwizzleAtomBytes;
    keys = query + kBlockBytes;
    maximum = reinterpret_cast<float*>(keys + kStages * kBlockBytes);
    rescale = maximum + kStages * kHeadTile;
    share = rescale + kStages * kHeadTile;
    full = reinterpret_cast<Barrier*>(share + 2 * kHeadTile);
    empty = full + kStages * kTiles;
    query_full = empty + kStages * 2;
    scored = query_full + 1;
    bounds = reinterpret_cast<MlaTask*>(scored + 1);
  }
  __device__ uint8_t* stage(int index) const { return keys + index % kStages * kBlockBytes; }
  // [heads, keys] BF16, where the rotated part of the keys was: no value.
  __device__ uint8_t* weights(int index) const { return stage(index) + kRopeTile * kTileBytes; }
  __device__ Barrier* full_tile(int index, int tile) const { return full + index % kStages * kTiles + tile; }
  __device__ Barrier* empty_half(int index, int half) const { return empty + index % kStages * 2 + half; }
};

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_BLOCK_CUH_
