#include "services/placement/planner/eplb.h"

#include <gtest/gtest.h>

#include <random>

namespace baleen {
namespace {

using Slots = std::vector<uint32_t>;

// The two layers of the example in EPLB's README.
const std::vector<double> kFirst{90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86};
const std::vector<double> kSecond{20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27};
constexpr EplbShape kHierarchical{.slots = 16, .groups = 4, .nodes = 2, .devices = 8};

TEST(EplbTest, HierarchicalIsThatOfTheReadme) {
  EXPECT_EQ(BalanceSlots(kFirst, kHierarchical).value(), (Slots{5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1}));
  EXPECT_EQ(BalanceSlots(kSecond, kHierarchical).value(), (Slots{7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1}));
}

TEST(EplbTest, GlobalIgnoresGroupsAndNodes) {
  const Slots first{10, 6, 10, 7, 0, 2, 11, 4, 5, 9, 5, 4, 8, 3, 1, 1};
  EXPECT_EQ(BalanceSlots(kFirst, {.slots = 16, .groups = 1, .nodes = 1, .devices = 8}).value(), first);
  EXPECT_EQ(BalanceSlots(kFirst, {.slots = 16, .groups = 4, .nodes = 3, .devices = 8}).value(), first) << "4 groups, 3 nodes";
  EXPECT_EQ(BalanceSlots(kSecond, {.slots = 16, .groups = 1, .nodes = 1, .devices = 8}).value(),
            (Slots{1, 10, 2, 4, 5, 11, 5, 0, 6, 7, 6, 3, 8, 8, 9, 7}));
}

TEST(EplbTest, OneItemAPackStaysInPlace) {
  EXPECT_EQ(BalanceSlots({1, 5, 2, 9}, {.slots = 4, .groups = 1, .nodes = 1, .devices = 4}).value(), (Slots{0, 1, 2, 3}));
}

TEST(EplbTest, RefusesWhatDoesNotDivide) {
  for (const EplbShape& shape :
       {EplbShape{.slots = 15, .groups = 4, .nodes = 2, .devices = 8}, EplbShape{.slots = 16, .groups = 5, .nodes = 1, .devices = 8},
        EplbShape{.slots = 12, .groups = 4, .nodes = 2, .devices = 3}, EplbShape{.slots = 8, .groups = 1, .nodes = 1, .devices = 8}}) {
    EXPECT_EQ(BalanceSlots(kFirst, shape).status().code(), absl::StatusCode::kInvalidArgument) << shape.slots;
  }
  EXPECT_EQ(BalanceSlots({}, {.slots = 4}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(EplbTest, EveryExpertHasASlotAndTheHottestTheMostCopies) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const uint32_t experts = 1 + random() % 64;
    const uint32_t devices = 1 + random() % 12;
    const uint32_t each = (experts + devices - 1) / devices + random() % 3;
    std::vector<double> loads(experts);
    for (double& load : loads) load = random() % 1000;
    const Slots slots = BalanceSlots(loads, {.slots = devices * each, .groups = 1, .nodes = 1, .devices = devices}).value();
    ASSERT_EQ(slots.size(), devices * each);
    std::vector<uint32_t> copies(experts);
    for (const uint32_t expert : slots) ++copies.at(expert);
    for (uint32_t a = 0; a < experts; ++a) {
      ASSERT_GE(copies[a], 1u);
      for (uint32_t b = 0; b < experts; ++b) {
        ASSERT_TRUE(loads[a] <= loads[b] || copies[a] >= copies[b]) << a << " is hotter than " << b;
      }
    }
  }
}

}  // namespace
}  // namespace baleen
