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

#if defined(__x86_64__)
// BF16 and VNNI instructions are no part of it: Skylake to Ice Lake lack one or both.
TEST(IsaTest, Avx512IsFBwVlAndDq) {
  const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512dq");
  EXPECT_EQ(Supported(Isa::kAvx512), has);
}

TEST(IsaTest, AmxBringsBf16AndVnni) {
  if (!Supported(Isa::kAmx)) GTEST_SKIP() << "this CPU lacks amx";
  EXPECT_TRUE(__builtin_cpu_supports("avx512bf16"));
  EXPECT_TRUE(__builtin_cpu_supports("avx512vnni"));
}
#endif

TEST(IsaTest, Names) {
  EXPECT_EQ(NameOf(Isa::kReference), "reference");
  EXPECT_EQ(NameOf(Isa::kAvx2), "avx2");
  EXPECT_EQ(NameOf(Isa::kAvx512), "avx512");
  EXPECT_EQ(NameOf(Isa::kAmx), "amx");
}

}  // namespace
}  // namespace baleen
