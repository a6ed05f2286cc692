#include "model/layers/numerics.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(NumericsTest, IdNamesWhatDecidesBits) {
  EXPECT_EQ((Numerics{DType::kBf16, Isa::kAvx512}).Id(), "cpu-avx512-bf16-r2");
  EXPECT_EQ((Numerics{DType::kF32, Isa::kReference}).Id(), "cpu-reference-f32-r2");
  EXPECT_EQ((Numerics{DType::kI8, Isa::kAvx2}).Id(), "cpu-avx2-int8-r2");
  EXPECT_EQ((Numerics{DType::kF8E4m3, Isa::kAvx512}).Id(), "cpu-avx512-fp8-r2");
}

TEST(NumericsTest, QuantisedWeightsLeaveActivationsBf16) {
  EXPECT_EQ((Numerics{DType::kF32}).activations(), DType::kF32);
  for (const DType compute : {DType::kBf16, DType::kI8, DType::kF8E4m3}) EXPECT_EQ((Numerics{compute}).activations(), DType::kBf16);
}

TEST(NumericsTest, Fp8LeavesTheHeadBf16) {
  EXPECT_EQ((Numerics{DType::kF8E4m3}).head(), DType::kBf16);
  for (const DType compute : {DType::kF32, DType::kBf16, DType::kI8}) EXPECT_EQ((Numerics{compute}).head(), compute);
}

TEST(NumericsTest, NamesOfComputeTypes) {
  EXPECT_EQ(ParseComputeDType("auto"), DType::kBf16);
  EXPECT_EQ(ParseComputeDType("bf16"), DType::kBf16);
  EXPECT_EQ(ParseComputeDType("f32"), DType::kF32);
  EXPECT_EQ(ParseComputeDType("int8"), DType::kI8);
  EXPECT_EQ(ParseComputeDType("fp8"), DType::kF8E4m3);
  EXPECT_EQ(ParseComputeDType("int4"), std::nullopt);
  EXPECT_EQ(ParseComputeDType(""), std::nullopt);
}

}  // namespace
}  // namespace baleen
