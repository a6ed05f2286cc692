// The way of a warp's 16 rows by 64 columns of BF16 through its shared memory: pairs in as the products leave them, 16 bytes out a lane.
#ifndef BALEEN_KERNELS_CUDA_GEMM_STAGING_H_
#define BALEEN_KERNELS_CUDA_GEMM_STAGING_H_

#include "kernels/cuda/base/fragment.h"
#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr int kStagedColumns = 64;
inline constexpr int kStagedRows = 16;
// Rows are 16 bytes longer than their values, so that the eight rows that a warp writes at a time touch every bank once.
inline constexpr int kStagedRowBytes = kStagedColumns * 2 + 16;
inline constexpr int kStagedPasses = 4;  // Of 16 bytes a lane.

// Where a lane's values `value` and `value` + 1 (even) go; value / 32 columns of 64 before do not count.
BALEEN_HOST_DEVICE constexpr int StagedOffset(int lane, int value) {
  return FragmentRow(lane, value) * kStagedRowBytes + FragmentColumn(lane, value) % kStagedColumns * 2;
}

// What a lane takes away in a pass: 8 columns from this one on, of this row.
BALEEN_HOST_DEVICE constexpr int StagedRow(int lane, int pass) { return pass * 4 + lane / 8; }
BALEEN_HOST_DEVICE constexpr int StagedColumn(int lane) { return lane % 8 * 8; }

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_STAGING_H_
