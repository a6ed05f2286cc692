// What the roles of an attention block share: parameters and shared memory.
#ifndef BALEEN_KERNELS_CUDA_MLA_BLOCK_CUH_
#define BALEEN_KERNELS_CUDA_MLA_BLOCK_CUH_

#include <cstdint>

#include "kernels/cuda/base/swizzle.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/mla/splits.h"
#include "kernels/cuda/ptx/mbarrier.cuh"

namespace baleen::cuda::mla {

inline constexpr int kRoleThreads = 128;  // Score and values' left half; values' right half; loads.
inline constexpr int kThreads = 3 * kRoleThreads;
inline constexpr int kStages = 2;              // Blocks of keys in shared memory.
inline constexpr int kTileBytes = 64 * 128;    // 64 rows of 64 BF16 values.
inline constexpr int kTiles = kMlaWidth / 64;  // Of queries, and of a block of keys: 8 of the latent part, 1 of the rotated one.
inline constexpr int kBlockBytes = kTiles * kTileBytes;
inline constexpr int kSharedBytes = (1 + kStages) * kBlockBytes + kTileBytes + 2 * kHeadTile * 4 + 8 * (1 + 2 * kStages) + 1024;
static_assert(kSharedBytes <= 232448, "more shared memory than a block may have");

// Named barriers.
inline constexpr uint32_t kWeightsReady = 1;
inline constexpr uint32_t kWeightsFree = 2;
inline constexpr uint32_t kTailCleared = 3;
inline constexpr uint32_t kInverseReady = 4;

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

struct Shared {
  uint8_t* query;    // Tiles of 64 channels, [heads, 64] each.
  uint8_t* keys;     // kStages of them, [keys, 64] each.
  uint8_t* weights;  // [heads, keys] BF16
  float* rescale;    // [heads] what the sums so far are multiplied by
  float* inverse;    // [heads] 1 / sum of weights
  Barrier* query_full;
  Barrier* full;
  Barrier* empty;

  __device__ explicit Shared(uint8_t* raw) {
    query = raw + (kSwizzleAtomBytes - SharedAddress(raw) % kSwizzleAtomBytes) % kSwizzleAtomBytes;
    keys = query + kBlockBytes;
    weights = keys + kStages * kBlockBytes;
    rescale = reinterpret_cast<float*>(weights + kTileBytes);
    inverse = rescale + kHeadTile;
    query_full = reinterpret_cast<Barrier*>(inverse + kHeadTile);
    full = query_full + 1;
    empty = full + kStages;
  }
  __device__ uint8_t* stage(int index) const { return keys + index % kStages * kBlockBytes; }
};

// The parity of the phase in which a stage holds block `index`.
__device__ inline uint32_t ParityOf(int index) { return index / kStages & 1; }

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_BLOCK_CUH_
