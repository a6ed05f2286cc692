// Rows sorted by group (expert): where each group's rows lie.
#ifndef BALEEN_KERNELS_CUDA_BASE_ROW_GROUPS_H_
#define BALEEN_KERNELS_CUDA_BASE_ROW_GROUPS_H_

#include <cstdint>

#include "kernels/host_device.h"

namespace baleen::cuda {

enum class RowGroups {
  kDense,       // One group of all rows.
  kContiguous,  // Group g has rows group_rows[g] .. group_rows[g + 1] (prefill); rows behind the last group belong to none.
  kMasked,      // Group g has the first group_rows[g] of its rows / groups rows (decode); the others belong to none.
  kBatched,     // Every group has all rows, in columns of its own.
};

inline constexpr int kMaxRowGroups = 1024;

struct RowRange {
  int64_t begin;
  int64_t count;
};

// Of fewer than 2^32 rows, since a division of 64 bits is slow on a GPU. Counts come from a device array that nobody checked: a masked
// group stays within its own rows.
BALEEN_HOST_DEVICE constexpr RowRange RowsOfGroup(RowGroups grouping, const int32_t* group_rows, int groups, int64_t rows, int group) {
  switch (grouping) {
    case RowGroups::kContiguous:
      return {group_rows[group], group_rows[group + 1] - group_rows[group]};
    case RowGroups::kMasked: {
      const int64_t most = static_cast<uint32_t>(rows) / static_cast<uint32_t>(groups);
      return {group * most, group_rows[group] < most ? group_rows[group] : most};
    }
    default:
      return {0, rows};
  }
}

// Whether a row of a dense, contiguous or masked layout belongs to a group; of fewer than 2^32 rows too.
BALEEN_HOST_DEVICE constexpr bool HasGroup(RowGroups grouping, const int32_t* group_rows, int groups, int64_t rows, int64_t row) {
  if (grouping == RowGroups::kContiguous) return row < group_rows[groups];
  if (grouping == RowGroups::kMasked) {
    const uint32_t most = static_cast<uint32_t>(rows) / static_cast<uint32_t>(groups);
    const uint32_t group = static_cast<uint32_t>(row) / most;
    return static_cast<int32_t>(static_cast<uint32_t>(row) - group * most) < group_rows[group];
  }
  return true;
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_ROW_GROUPS_H_
