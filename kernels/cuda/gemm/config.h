// The shapes of the GEMM kernel's instances: one struct each, so that host code and kernel agree on sizes.
#ifndef BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_
#define BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "base/dtype.h"
#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/staging.h"
#include "kernels/cuda/gemm/tile_schedule.h"

namespace baleen::cuda {

inline constexpr int kWarpgroupThreads = 128;
inline constexpr int kProductRows = 64;  // Of one wgmma.
inline constexpr int kSlabBytes = 128;   // Of K, that one stage holds of each row: 128 FP8 or 64 BF16 values, 4 wgmma steps.
inline constexpr int kProductsPerSlab = 4;
inline constexpr int kPlaceBytes = 20;
inline constexpr int kMostSharedBytes = 232448;  // That a block may have.

// kRows and kOutputs: of a tile. Up to 64 rows: one warpgroup multiplies; else two, 256 rows in twice 64 each.
template <DType kInputType, DType kOutputType, int kRows, int kOutputs>
struct GemmConfig {
  static constexpr DType kInput = kInputType;
  static constexpr DType kOutput = kOutputType;
  static constexpr bool kScaled = kInput == DType::kF8E4m3;
  static constexpr int kTileRows = kRows;
  static constexpr int kTileOutputs = kOutputs;
  static constexpr int kStoredRows = std::max(kRows, kProductRows);  // In shared memory; rows behind the tile's are whatever was there.
  static constexpr int kWarpgroups = kRows <= kProductRows ? 1 : 2;  // That multiply; one more loads.
  static constexpr int kSubTiles = kStoredRows / kProductRows / kWarpgroups;
  static constexpr int kValues = kOutputs / 2;  // Of a thread in one 64 x kOutputs product.
  static constexpr int kThreads = (kWarpgroups + 1) * kWarpgroupThreads;
  // Registers of a thread that loads and one that multiplies; a lone warpgroup keeps what it starts with.
  static constexpr int kLoadRegisters = 40;
  static constexpr int kMultiplyRegisters = 232;
  // Whether the next slab's products run while this one's sums are scaled: where there are registers for both.
  static constexpr bool kAhead = kScaled && kSubTiles == 1 && kOutputs <= (kWarpgroups == 1 ? 128 : 64);
  static constexpr int kSlab = kSlabBytes / static_cast<int>(SizeOf(kInput));  // Elements.

  // Shared memory: x and w of all stages, what is stored of y, scales, ends of groups, barriers, places.
  static constexpr int kXBytes = kStoredRows * kSlabBytes;
  static constexpr int kWBytes = kOutputs * kSlabBytes;
  static constexpr int kScales = kRows + 4;                              // Of x: a copy begins at a multiple of 4 rows, a tile anywhere.
  static constexpr int kScaleOutputs = std::gcd(kOutputs, kScaleBlock);  // That certainly share a scale.
  static constexpr int kScaleParts = kOutputs / kScaleOutputs;
  static constexpr int kScaleBytes = kScaled ? (kStoredRows + 4) * 4 + 16 : 0;  // 16: up to four of w.
  static constexpr int kStageBytes = kXBytes + kWBytes + kScaleBytes;
  // Whether the copy engine stores a tile while the next one is summed, out of shared memory for all of it. Else warps store it box by box:
  // a tile of 256 rows gains more by a fourth stage.
  static constexpr bool kStoresBehind = kOutput == DType::kBf16 && kSubTiles == 1;
  static constexpr int kWarpBoxes = kStoresBehind ? Staging<kOutputs>::kBoxes : 1;
  static constexpr int kStagedBytes = kOutput == DType::kBf16 ? kWarpgroups * 4 * kWarpBoxes * kStagedBoxBytes : 0;
  static constexpr int kEndsBytes = kMaxRowGroups * 4;
  // Barriers and where a tile's outputs go, of a stage; two more tiles may be under way than there are stages.
  static constexpr int kStageTableBytes = 2 * 8 + kPlaceBytes;
  static constexpr int kOtherBytes = kStagedBytes + kEndsBytes + 2 * kPlaceBytes + 1024;  // 1024: to align.
  // As many as there is room for: the bytes under way bound what arrives when few blocks run.
  static constexpr int kStages = (kMostSharedBytes - kOtherBytes) / (kStageBytes + kStageTableBytes);
  static constexpr int kPlaces = kStages + 2;
  static constexpr int kSharedBytes = kStages * (kStageBytes + kStageTableBytes) + kOtherBytes;
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_CONFIG_H_
