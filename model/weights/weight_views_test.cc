#include "model/weights/weight_views.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace baleen {
namespace {

std::vector<float> Values(const WeightView& view) {
  std::vector<float> values(view.rows * view.cols);
  Dequantize(view, values.data());
  return values;
}

TEST(WeightViewsTest, SliceKeepsTheScalesOfItsRows) {
  // kv_b of two heads, 256 rows each: head 1's W_UK takes scale row 2, its W_UV scale row 3.
  constexpr int64_t kCols = 130;
  const std::vector<uint8_t> codes(512 * kCols, 0x38);  // 1.0
  const std::vector<float> scales = {10, 11, 20, 21, 30, 31, 40, 41};
  WeightView kv_b;
  kv_b.data = codes.data();
  kv_b.dtype = DType::kF8E4m3;
  kv_b.rows = 512;
  kv_b.cols = kCols;
  kv_b.scale = scales.data();
  kv_b.scale_stride = 2;
  const std::vector<float> w_uk = Values(SliceRows(kv_b, 256, 128));
  EXPECT_EQ(w_uk.front(), 30);
  EXPECT_EQ(w_uk.back(), 31);
  const std::vector<float> w_uv = Values(SliceRows(kv_b, 384, 128));
  EXPECT_EQ(w_uv.front(), 40);
  EXPECT_EQ(w_uv.back(), 41);
  // A slice of a slice, across the border of two scale rows.
  const std::vector<float> border = Values(SliceRows(SliceRows(kv_b, 256, 256), 127, 2));
  EXPECT_EQ(border.front(), 30);
  EXPECT_EQ(border.back(), 41);
}

TEST(WeightViewsTest, SliceFollowsTheRowStride) {
  const std::vector<Bf16> values = {F32ToBf16(1), F32ToBf16(2), 0, F32ToBf16(3), F32ToBf16(4), 0};
  WeightView view;
  view.data = values.data();
  view.dtype = DType::kBf16;
  view.rows = 2;
  view.cols = 2;
  view.row_stride = 3;
  EXPECT_EQ(Values(SliceRows(view, 1, 1)), (std::vector<float>{3, 4}));
}

TEST(WeightViewsTest, HalfSplitRopeRowsBecomeInterleaved) {
  // Two groups of six rows; the last four of each are rope channels 0 .. 3 in half-split order.
  std::vector<float> rows = {0, 1, 10, 11, 12, 13, 2, 3, 20, 21, 22, 23};
  WeightView view;
  view.data = rows.data();
  view.rows = 12;
  view.cols = 1;
  EXPECT_EQ(InterleaveRopeRows(view, 6, 2, 4), (std::vector<float>{0, 1, 10, 12, 11, 13, 2, 3, 20, 22, 21, 23}));
}

}  // namespace
}  // namespace baleen
