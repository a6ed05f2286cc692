// Rows whose columns the ranks of a group share out: from every rank's columns to whole rows on all of them.
#ifndef BALEEN_MODEL_CUDA_COLUMN_GATHER_H_
#define BALEEN_MODEL_CUDA_COLUMN_GATHER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/rank_group.h"
#include "model/cuda/rank_slice.h"

namespace baleen {

// One rank's end. Alone (the default) a rank writes whole rows, and nothing is gathered.
class ColumnGather {
 public:
  ColumnGather() = default;
  // For up to `max_rows` rows of up to `max_part_bytes` from each rank. `group` outlives it; null where the rank is alone.
  static absl::StatusOr<ColumnGather> Allocate(RankGroup* group, RankSlice slice, int64_t max_rows, int64_t max_part_bytes);

  // How many rows the next gathers have. Those before are done.
  absl::Status Begin(int64_t rows, cuda::Stream stream);

  // Where this rank's columns of `whole` go before they are gathered: rows of its columns alone, back to back.
  template <typename T>
  T* Part(T* whole) const {
    return group_ == nullptr ? whole : part_.As<T>();
  }
  // Enqueues `whole` [rows, size * part_bytes], 16-byte aligned, on every rank. part_bytes: a multiple of 16.
  absl::Status Gather(void* whole, int64_t part_bytes, cuda::Stream stream) const;

 private:
  RankGroup* group_ = nullptr;
  RankSlice slice_;
  int64_t rows_ = 0;
  cuda::DeviceMemory part_;        // [rows, part_bytes]
  cuda::DeviceMemory parts_;       // [size, rows, part_bytes]
  cuda::PinnedMemory host_slots_;  // [size, rows]: the place of (rank, row) in [rows, size].
  cuda::DeviceMemory slots_;       // The same.
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_COLUMN_GATHER_H_
