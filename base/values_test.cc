#include "base/values.h"

#include <gtest/gtest.h>

#include <vector>

namespace baleen {
namespace {

TEST(ValuesTest, RoundTripAtAnyLengthAndAlignment) {
  for (const DType type : {DType::kF32, DType::kBf16}) {
    for (int64_t count : {0, 1, 31, 32, 33, 63, 64, 65, 200}) {
      std::vector<float> values(count);
      for (int64_t i = 0; i < count; ++i) values[i] = Bf16ToF32(F32ToBf16(static_cast<float>(i) * 0.37f - 5));
      std::vector<std::byte> wire(count * SizeOf(type) + 2, std::byte{0x5a});
      ValuesToWire(values.data(), count, type, wire.data() + 1);
      EXPECT_EQ(wire.front(), std::byte{0x5a});
      EXPECT_EQ(wire.back(), std::byte{0x5a});
      std::vector<float> back(count);
      ValuesFromWire(wire.data() + 1, count, type, back.data());
      EXPECT_EQ(back, values);
    }
  }
}

TEST(ValuesTest, Bf16RoundsToNearestEven) {
  const float above_a_tie = 1.0f + 0x1p-8f + 0x1p-16f;
  const std::vector<float> values = {above_a_tie, 1.0f + 0x1p-8f, 1.0f + 3 * 0x1p-8f, 0.1f, -0.1f};
  const std::vector<float> rounded = {1.0f + 0x1p-7f, 1.0f, 1.015625f, 0.10009765625f, -0.10009765625f};
  std::vector<std::byte> wire(2 * values.size());
  ValuesToWire(values.data(), static_cast<int64_t>(values.size()), DType::kBf16, wire.data());
  std::vector<float> back(values.size());
  ValuesFromWire(wire.data(), static_cast<int64_t>(back.size()), DType::kBf16, back.data());
  EXPECT_EQ(back, rounded);
}

}  // namespace
}  // namespace baleen
