// The shapes of the GEMM kernel's instances: one struct each, so that host code and kernel agree on sizes.
#ifndef BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_
#define BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_

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
// kRows: of a tile. 64: one warpgroup multiplies; 128: two, 64 rows each; 256: two, twice 64 rows each.
template <DType kInputType, DType kOutputType, int kRows>
struct GemmConfig {
  static constexpr DType kInput = kInputType;
  static constexpr DType kOutput = kOutputType;
  static constexpr bool kScaled = kInput == DType::kF8E4m3;
  static constexpr int kTileRows = kRows;
  static constexpr int kWarpgroups = kRows == 64 ? 1 : 2;  // That multiply; one more loads.
  static constexpr int kSubTiles = kRows / kProductRows / kWarpgroups;
  static constexpr int kThreads = (kWarpgroups + 1) * kWarpgroupThreads;
  static constexpr int kSlab = kSlabBytes / static_cast<int>(SizeOf(kInput));  // Elements.
  static constexpr int kStages = kRows == 64 ? 7 : kRows == 128 ? 6 : 4;

  // Shared memory, in this order.
  static constexpr int kXBytes = kRows * kSlabBytes;
  static constexpr int kWBytes = kGemmTileOutputs * kSlabBytes;
  static constexpr int kScales = kRows + 4;  // Of x: a copy begins at a multiple of 4 rows, a tile anywhere.
  static constexpr int kScaleBytes = kScaled ? kScales * 4 : 0;
  static constexpr int kStageBytes = kXBytes + kWBytes + kScaleBytes;
  static constexpr int kStagedBytes = kOutput == DType::kBf16 ? kWarpgroups * 4 * kStagedRows * kStagedRowBytes : 0;
  static constexpr int kEndsBytes = kMaxRowGroups * 4;
  static constexpr int kSharedBytes = kStages * kStageBytes + kStagedBytes + kEndsBytes + 2 * kStages * 8 + 1024;  // 1024: to align.

  static_assert(kSharedBytes <= 232448, "more shared memory than a block may have");
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_
