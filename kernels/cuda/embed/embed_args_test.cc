#include "gtest/gtest.h"
#include "kernels/cuda/embed/embed.h"

namespace baleen::cuda {
namespace {

alignas(16) uint8_t memory[64];

EmbedArgs Good() {
  EmbedArgs args;
  args.rows = 2;
  args.hidden = 4;
  args.vocabulary = 3;
  args.tokens = reinterpret_cast<const int32_t*>(memory);
  args.table = reinterpret_cast<const Bf16*>(memory);
  args.residual = reinterpret_cast<float*>(memory);
  return args;
}

TEST(EmbedArgsTest, NamesWhatIsWrong) {
  EXPECT_EQ(EmbedProblem(Good()), "");
  EmbedArgs args = Good();
  args.hidden = 6;
  EXPECT_EQ(EmbedProblem(args), "Embed: hidden is 6, not a multiple of 4");
  args = Good();
  args.vocabulary = 0;
  EXPECT_EQ(EmbedProblem(args), "Embed: vocabulary is 0, at least 1");
  args = Good();
  args.table = nullptr;
  EXPECT_EQ(EmbedProblem(args), "Embed: table is null");
}

}  // namespace
}  // namespace baleen::cuda
