// Where a position's row lies among pages of 64.
#ifndef BALEEN_KERNELS_CUDA_KV_APPEND_PAGE_WALK_H_
#define BALEEN_KERNELS_CUDA_KV_APPEND_PAGE_WALK_H_

#include <cstdint>

#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr int kPagePositions = 64;

// Rows of `width` elements from the first page to the position's row; -1 when its page is not one of page_count.
BALEEN_HOST_DEVICE constexpr int64_t PageRow(const int32_t* blocks, int64_t first_block, int64_t position, int64_t page_count) {
  const int64_t page = blocks[first_block + position / kPagePositions];
  return page >= 0 && page < page_count ? page * kPagePositions + position % kPagePositions : -1;
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_KV_APPEND_PAGE_WALK_H_
