// Cutting and reordering of checkpoint weights before they are packed.
#ifndef BALEEN_MODEL_WEIGHTS_WEIGHT_VIEWS_H_
#define BALEEN_MODEL_WEIGHTS_WEIGHT_VIEWS_H_

#include <cstdint>
#include <vector>

#include "kernels/linear.h"

namespace baleen {

// Rows [begin, begin + count) of a view; FP8 scales follow.
WeightView SliceRows(const WeightView& view, int64_t begin, int64_t count);

// The view as F32 [rows, cols], where in each group of `group_rows` rows the rows [rope_begin, rope_begin + rope) go from half-split
// order (pair i = channels i and i + rope / 2) to interleaved order (pair i = channels 2i and 2i + 1), which is what Rope rotates.
std::vector<float> InterleaveRopeRows(const WeightView& view, int64_t group_rows, int64_t rope_begin, int64_t rope);

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_WEIGHT_VIEWS_H_
