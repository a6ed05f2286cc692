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
  const float value = 1.0f + 0x1p-8f + 0x1p-16f;
  std::byte wire[2];
  ValuesToWire(&value, 1, DType::kBf16, wire);
  float back = 0;
  ValuesFromWire(wire, 1, DType::kBf16, &back);
  EXPECT_EQ(back, 1.0f + 0x1p-7f);
}

}  // namespace
}  // namespace baleen
