#include "model/weights/weight_views.h"

#include <algorithm>
#include <cstddef>

namespace baleen {

WeightView SliceRows(const WeightView& view, int64_t begin, int64_t count) {
  WeightView slice = view;
  const int64_t stride = view.row_stride == 0 ? view.cols : view.row_stride;
  slice.data = static_cast<const std::byte*>(view.data) + begin * stride * static_cast<int64_t>(SizeOf(view.dtype));
  slice.rows = count;
  slice.first_row = view.first_row + begin;
  return slice;
}

std::vector<float> InterleaveRopeRows(const WeightView& view, int64_t group_rows, int64_t rope_begin, int64_t rope) {
  std::vector<float> stored(view.rows * view.cols);
  Dequantize(view, stored.data());
  std::vector<float> ordered = stored;
  for (int64_t group = 0; group < view.rows; group += group_rows) {
    const int64_t first = group + rope_begin;
    for (int64_t i = 0; i < rope; ++i) {
      const int64_t source = first + i / 2 + (i % 2) * (rope / 2);
      std::copy_n(&stored[source * view.cols], view.cols, &ordered[(first + i) * view.cols]);
    }
  }
  return ordered;
}

}  // namespace baleen
