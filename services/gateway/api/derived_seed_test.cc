#include "services/gateway/api/derived_seed.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(DerivedSeedTest, DependsOnAllOfIt) {
  const uint64_t seed = DerivedSeed("s", "n", "d");
  EXPECT_EQ(seed, DerivedSeed("s", "n", "d"));
  EXPECT_NE(seed, DerivedSeed("t", "n", "d"));
  EXPECT_NE(seed, DerivedSeed("s", "m", "d"));
  EXPECT_NE(seed, DerivedSeed("s", "n", "e"));
}

// Gateways of two releases serve beside each other while one is rolled out.
TEST(DerivedSeedTest, StaysWhatItIs) { EXPECT_EQ(DerivedSeed("secret", "name", "digest"), 15298510945033019117u); }

}  // namespace
}  // namespace baleen
