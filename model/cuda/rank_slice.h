// What ranks have of something that they share out.
#ifndef BALEEN_MODEL_CUDA_RANK_SLICE_H_
#define BALEEN_MODEL_CUDA_RANK_SLICE_H_

#include <cstdint>

namespace baleen {

// Rank `rank` of `size` has the rank-th of equal runs.
struct RankSlice {
  int rank = 0;
  int size = 1;

  // Of `all`, a multiple of size.
  int64_t Count(int64_t all) const { return all / size; }
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_RANK_SLICE_H_
