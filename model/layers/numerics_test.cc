#include "model/layers/numerics.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(NumericsTest, IdNamesWhatDecidesBits) {
  EXPECT_EQ((Numerics{DType::kBf16, Isa::kAvx512}).Id(), "cpu-avx512-bf16-r1");
  EXPECT_EQ((Numerics{DType::kF32, Isa::kReference}).Id(), "cpu-reference-f32-r1");
}

}  // namespace
}  // namespace baleen
