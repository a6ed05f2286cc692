// The way of a warp's 16 rows of BF16 through its shared memory: pairs in as the products leave them; out as boxes of 64 columns by the
// copy engine, or 16 bytes a lane.
#ifndef BALEEN_KERNELS_CUDA_GEMM_STAGING_H_
#define BALEEN_KERNELS_CUDA_GEMM_STAGING_H_

#include "kernels/cuda/base/fragment.h"
#include "kernels/cuda/base/swizzle.h"
#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr int kStagedRows = 16;
inline constexpr int kStagedColumns = 64;  // Of a box: 128 bytes.
inline constexpr int kStagedBoxBytes = kStagedRows * static_cast<int>(kSwizzleRowBytes);

// A box of the columns of one product; the swizzle lets the eight rows that a warp writes at a time touch every bank once.
template <int kOutputs>
struct Staging {
  static constexpr int kColumns = kOutputs < kStagedColumns ? kOutputs : kStagedColumns;  // Of a box that are there.
  static constexpr int kBoxes = kOutputs / kColumns;
  static constexpr int kValues = kColumns / 2;       // Of a box, a lane.
  static constexpr int kLanesPerRow = kColumns / 8;  // That take 16 bytes each.
  static constexpr int kRowsPerPass = 32 / kLanesPerRow;
  static constexpr int kPasses = kStagedRows / kRowsPerPass;

  // Where a lane's values `value` and `value` + 1 (even) go in their box.
  BALEEN_HOST_DEVICE static constexpr int Offset(int lane, int value) {
    return InBox(FragmentRow(lane, value), FragmentColumn(lane, value) % kColumns);
  }
  // What a lane takes out of a box in a pass: 8 columns from this one on, of this row.
  BALEEN_HOST_DEVICE static constexpr int Row(int lane, int pass) { return pass * kRowsPerPass + lane / kLanesPerRow; }
  BALEEN_HOST_DEVICE static constexpr int Column(int lane) { return lane % kLanesPerRow * 8; }

  BALEEN_HOST_DEVICE static constexpr int InBox(int row, int column) {
    return static_cast<int>(SwizzledOffset(static_cast<uint32_t>(row), static_cast<uint32_t>(column * 2)));
  }
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_STAGING_H_
