#include "gtest/gtest.h"
#include "kernels/cuda/norm/rms_norm.h"

namespace baleen::cuda {
namespace {

RmsNormArgs Good() {
  RmsNormArgs args;
  args.rows = 5;
  args.width = args.ldx = 192;
  args.x = reinterpret_cast<void*>(0x1000);
  args.weight = reinterpret_cast<const float*>(0x1000);
  args.codes = reinterpret_cast<uint8_t*>(0x1000);
  args.scales = reinterpret_cast<float*>(0x1000);
  args.scale_stride = 8;
  return args;
}

TEST(RmsNormProblemTest, NamesWhatIsWrong) {
  EXPECT_EQ(RmsNormProblem(Good()), "");
  const auto problem = [](auto change) {
    RmsNormArgs args = Good();
    change(args);
    return RmsNormProblem(args);
  };
  EXPECT_EQ(problem([](RmsNormArgs& args) { args.width = 0; }), "RmsNorm: width is 0, at least 4");
  EXPECT_EQ(problem([](RmsNormArgs& args) { args.width = 20000; }), "RmsNorm: width is 20000, at most 16384");
  EXPECT_EQ(problem([](RmsNormArgs& args) { args.codes = nullptr; }), "RmsNorm: neither normed nor codes is wanted");
  EXPECT_EQ(problem([](RmsNormArgs& args) { args.scale_stride = 4; }), "RmsNorm: scale_stride is 4, at least 5");
  EXPECT_EQ(problem([](RmsNormArgs& args) { args.width = 188; }), "RmsNorm: width is 188, not a multiple of 16");
  EXPECT_EQ(problem([](RmsNormArgs& args) {
              args.type = DType::kBf16;
              args.add = reinterpret_cast<const Bf16*>(0x1000);
            }),
            "RmsNorm: only F32 is added to");
}

}  // namespace
}  // namespace baleen::cuda
