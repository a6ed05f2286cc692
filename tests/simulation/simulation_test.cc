#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/sanitizers.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/shared_parts.h"

namespace baleen {
namespace {

constexpr uint32_t kSeedsPerRange = 500;
constexpr uint32_t kRanges = kSanitized ? 4 : 20;

// They broke a promise once; docs/robustness.md says which. Tell one's story: bazel run //tests/simulation -- --seed=N
const std::vector<uint32_t> kOnceFailed = {3068, 3616, 4386, 4728};

ScenarioResult RunSeed(uint32_t seed) {
  ScenarioResult result = RunScenario(seed, GetSharedParts(), nullptr);
  EXPECT_TRUE(result.broken.empty()) << "bazel run //tests/simulation -- --seed=" << seed << "\n" << absl::StrJoin(result.broken, "\n");
  return result;
}

TEST(SimulationTest, SeedsThatOnceFailed) {
  for (const uint32_t seed : kOnceFailed) RunSeed(seed);
}

TEST(SimulationTest, ASeedIsARunThatCanBeRepeated) {
  std::vector<std::string> first, second;
  RunScenario(5, GetSharedParts(), [&](const std::string& line) { first.push_back(line); });
  RunScenario(5, GetSharedParts(), [&](const std::string& line) { second.push_back(line); });
  EXPECT_EQ(first, second);
  EXPECT_FALSE(first.empty());
}

class SeedRange : public testing::TestWithParam<uint32_t> {};

TEST_P(SeedRange, NoPromiseIsBroken) {
  ScenarioResult total;
  for (uint32_t i = 0; i < kSeedsPerRange && !HasFailure(); ++i) {
    const ScenarioResult result = RunSeed(GetParam() * kSeedsPerRange + i);
    total.answered += result.answered;
    total.resumes += result.resumes;
    total.preemptions += result.preemptions;
    total.rebalances += result.rebalances;
    total.remote_fills += result.remote_fills;
    total.copied_blocks += result.copied_blocks;
  }
  if (HasFailure()) return;
  // The load is what the promises are about: it must have been there.
  EXPECT_GT(total.answered, 8 * int64_t{kSeedsPerRange});
  EXPECT_GT(total.resumes, 0);
  EXPECT_GT(total.preemptions, 0);
  EXPECT_GT(total.rebalances, 0);
  EXPECT_GT(total.remote_fills, 0);
  EXPECT_GT(total.copied_blocks, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SeedRange, testing::Range(uint32_t{0}, kRanges));

}  // namespace
}  // namespace baleen
