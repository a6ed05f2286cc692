// The shapes of the GEMM kernel's instances: one struct each, so that host code and kernel agree on sizes.
#ifndef BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_
#define BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_

#include <algorithm>
#include <cstdint>

#include "base/dtype.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/staging.h"
#include "kernels/cuda/gemm/tile_schedule.h"

namespace baleen::cuda {

inline constexpr int kWarpgroupThreads = 128;
inline constexpr int kProductRows = 64;  // Of one wgmma.
inline constexpr int kSlabBytes = 128;   // Of K, that one stage holds of each row: 128 FP8 or 64 BF16 values, 4 wgmma steps.
inline constexpr int kProductsPerSlab = 4;
inline constexpr int kMostStages = 12;
inline constexpr int kMostSharedBytes = 232448;  // That a block may have.

// kRows and kOutputs: of a tile. Up to 64 rows: one warpgroup multiplies; 128 and 192: one for each 64; 256: two, twice 64 rows each.
template <DType kInputType, DType kOutputType, int kRows, int kOutputs>
struct GemmConfig {
  static constexpr DType kInput = kInputType;
  static constexpr DType kOutput = kOutputType;
  static constexpr bool kScaled = kInput == DType::kF8E4m3;
  static constexpr int kTileRows = kRows;
  static constexpr int kTileOutputs = kOutputs;
  static constexpr int kStoredRows = std::max(kRows, kProductRows);  // In shared memory; rows behind the tile's are whatever was there.
  static constexpr int kWarpgroups = kRows == 256 ? 2 : kStoredRows / kProductRows;  // That multiply; one more loads.
  static constexpr int kSubTiles = kStoredRows / kProductRows / kWarpgroups;
  static constexpr int kValues = kOutputs / 2;  // Of a thread in one 64 x kOutputs product.
  static constexpr int kThreads = (kWarpgroups + 1) * kWarpgroupThreads;
  // Registers of a thread that loads and one that multiplies; a lone warpgroup keeps what it starts with.
  static constexpr int kLoadRegisters = kWarpgroups == 3 ? 32 : 40;
  static constexpr int kMultiplyRegisters = kWarpgroups == 3 ? 160 : 232;
  // Whether the next slab's products run while this one's sums are scaled: where there are registers for both.
  static constexpr bool kAhead = kScaled && kSubTiles == 1 && (kWarpgroups == 1 || kOutputs <= 64);
  static constexpr int kSlab = kSlabBytes / static_cast<int>(SizeOf(kInput));  // Elements.

  // Shared memory, in this order.
  static constexpr int kXBytes = kStoredRows * kSlabBytes;
  static constexpr int kWBytes = kOutputs * kSlabBytes;
  static constexpr int kScales = kRows + 4;  // Of x: a copy begins at a multiple of 4 rows, a tile anywhere.
  static constexpr int kScaleBytes = kScaled ? (kStoredRows + 4) * 4 : 0;
  static constexpr int kStageBytes = kXBytes + kWBytes + kScaleBytes;
  static constexpr int kStagedBytes = kOutput == DType::kBf16 ? kWarpgroups * 4 * Staging<kOutputs>::kBytes : 0;
  static constexpr int kEndsBytes = kMaxRowGroups * 4;
  static constexpr int kOtherBytes = kStagedBytes + kEndsBytes + 1024;  // 1024: to align.
  static constexpr int kStages = std::min(kMostStages, (kMostSharedBytes - kOtherBytes) / (kStageBytes + 16));
  static constexpr int kSharedBytes = kStages * (kStageBytes + 16) + kOtherBytes;
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_
