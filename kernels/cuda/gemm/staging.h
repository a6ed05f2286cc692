// The way of a warp's 16 rows by up to 64 columns of BF16 through its shared memory: pairs in as the products leave them, 16 bytes out a
// lane. A wider tile passes in pieces of 64 columns.
#ifndef BALEEN_KERNELS_CUDA_GEMM_STAGING_H_
#define BALEEN_KERNELS_CUDA_GEMM_STAGING_H_

#include "kernels/cuda/base/fragment.h"
#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr int kStagedRows = 16;

template <int kOutputs>
struct Staging {
  static constexpr int kColumns = kOutputs < 64 ? kOutputs : 64;
  static constexpr int kPieces = kOutputs / kColumns;
  static constexpr int kValues = kColumns / 2;  // Of a piece, a lane.
  // Rows are 16 bytes longer than their values, so that the eight rows that a warp writes at a time touch every bank once.
  static constexpr int kRowBytes = kColumns * 2 + 16;
  static constexpr int kBytes = kStagedRows * kRowBytes;  // Of a warp.
  static constexpr int kLanesPerRow = kColumns / 8;       // That take 16 bytes each.
  static constexpr int kRowsPerPass = 32 / kLanesPerRow;
  static constexpr int kPasses = kStagedRows / kRowsPerPass;

  // Where a lane's values `value` and `value` + 1 (even) go; columns of pieces before do not count.
  BALEEN_HOST_DEVICE static constexpr int Offset(int lane, int value) {
    return FragmentRow(lane, value) * kRowBytes + FragmentColumn(lane, value) % kColumns * 2;
  }
  // What a lane takes away in a pass: 8 columns from this one on, of this row.
  BALEEN_HOST_DEVICE static constexpr int Row(int lane, int pass) { return pass * kRowsPerPass + lane / kLanesPerRow; }
  BALEEN_HOST_DEVICE static constexpr int Column(int lane) { return lane % kLanesPerRow * 8; }
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_STAGING_H_
