#include "model/layers/numerics.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(NumericsTest, IdNamesWhatDecidesBits) {
  EXPECT_EQ((Numerics{DType::kBf16, Isa::kAvx512}).Id(), "cpu-avx512-bf16-r2");
  EXPECT_EQ((Numerics{DType::kF32, Isa::kReference}).Id(), "cpu-reference-f32-r2");
  EXPECT_EQ((Numerics{DType::kI8, Isa::kAvx2}).Id(), "cpu-avx2-int8-r2");
  EXPECT_EQ((Numerics{DType::kF8E4m3, Isa::kAvx512}).Id(), "cpu-avx512-fp8-r2");
  EXPECT_EQ((Numerics{DType::kBf16, Isa::kAvx512, Device::kCuda}).Id(), "cuda-sm90a-bf16-r2");
  EXPECT_EQ((Numerics{DType::kF8E4m3, Isa::kAvx2, Device::kCuda}).Id(), "cuda-sm90a-fp8-r2");
  EXPECT_EQ((Numerics{DType::kBf16, Isa::kAvx2, Device::kCudaEmulated}).Id(), "cuda-emulated-bf16-r2");
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

TEST(NumericsTest, DevicesChooseWhatTheyCompute) {
  ModelConfig config;
  const auto choose = [&](Device device, std::string_view dtype) { return ChooseNumerics(device, dtype, config); };
  EXPECT_EQ(choose(Device::kCpu, "auto")->compute, DType::kBf16);
  EXPECT_EQ(choose(Device::kCpu, "int8")->compute, DType::kI8);
  EXPECT_EQ(choose(Device::kCuda, "auto")->compute, DType::kBf16);
  EXPECT_EQ(choose(Device::kCuda, "auto")->device, Device::kCuda);
  EXPECT_EQ(choose(Device::kCuda, "f32").status().message(), "--dtype=f32: a GPU computes in bf16 or fp8");
  EXPECT_FALSE(choose(Device::kCuda, "int8").ok());
  EXPECT_EQ(choose(Device::kCuda, "fp8")->compute, DType::kF8E4m3);
  EXPECT_FALSE(choose(Device::kCpu, "int4").ok());
  config.fp8 = true;
  EXPECT_EQ(choose(Device::kCpu, "auto")->compute, DType::kBf16);
  EXPECT_EQ(choose(Device::kCudaEmulated, "auto")->compute, DType::kF8E4m3);
  EXPECT_EQ(choose(Device::kCudaEmulated, "bf16")->compute, DType::kBf16);
}

}  // namespace
}  // namespace baleen
