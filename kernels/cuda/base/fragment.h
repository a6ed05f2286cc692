// Which elements of a 64 x N product a thread of the warpgroup holds (PTX ISA, wgmma, "Matrix fragments"): the layout of sums, and of A in
// registers for the next product.
#ifndef BALEEN_KERNELS_CUDA_BASE_FRAGMENT_H_
#define BALEEN_KERNELS_CUDA_BASE_FRAGMENT_H_

#include "kernels/host_device.h"

namespace baleen::cuda {

// Of its warp's 16 rows: values 4 i and 4 i + 1 are in the upper row, 4 i + 2 and 4 i + 3 eight rows below.
BALEEN_HOST_DEVICE constexpr int FragmentRow(int thread, int value) { return thread / 32 * 16 + thread % 32 / 4 + value / 2 % 2 * 8; }
BALEEN_HOST_DEVICE constexpr int FragmentColumn(int thread, int value) { return value / 4 * 8 + thread % 4 * 2 + value % 2; }

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_FRAGMENT_H_
