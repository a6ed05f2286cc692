#include "kernels/isa.h"

#include <cstdlib>

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(IsaTest, TheReferenceRunsEverywhere) {
  EXPECT_TRUE(Supported(Isa::kReference));
  EXPECT_TRUE(Supported(BestIsa()));
}

TEST(IsaTest, TheEnvironmentLowersOnly) {
  unsetenv("BALEEN_ISA");
  const Isa best = BestIsa();
  setenv("BALEEN_ISA", "reference", 1);
  EXPECT_EQ(BestIsa(), Isa::kReference);
  setenv("BALEEN_ISA", "avx2", 1);
  EXPECT_LE(BestIsa(), Isa::kAvx2);
  EXPECT_LE(BestIsa(), best);
  setenv("BALEEN_ISA", "avx512", 1);
  EXPECT_LE(BestIsa(), Isa::kAvx512);
  setenv("BALEEN_ISA", "amx", 1);
  EXPECT_EQ(BestIsa(), best);
  setenv("BALEEN_ISA", "pentium", 1);
  EXPECT_EQ(BestIsa(), best);
  unsetenv("BALEEN_ISA");
}

TEST(IsaTest, Names) {
  EXPECT_EQ(NameOf(Isa::kReference), "reference");
  EXPECT_EQ(NameOf(Isa::kAvx2), "avx2");
  EXPECT_EQ(NameOf(Isa::kAvx512), "avx512");
  EXPECT_EQ(NameOf(Isa::kAmx), "amx");
}

}  // namespace
}  // namespace baleen
