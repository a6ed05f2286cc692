#include "model/cuda/pinned_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "kernels/cuda/base/device.h"

namespace baleen {
namespace {

class PinnedPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
  }
};

TEST_F(PinnedPoolTest, GivesAgainWhatCameBack) {
  PinnedPool pool(1 << 20);
  auto first = pool.Take(100'000);
  ASSERT_TRUE(first.ok());
  std::memset(first->get(), 7, 100'000);
  const std::byte* const where = first->get();
  auto second = pool.Take(100'000);
  ASSERT_TRUE(second.ok());
  EXPECT_NE(second->get(), where);
  first->reset();
  const auto third = pool.Take(130'000);  // The same power of two.
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third->get(), where);
}

TEST(PinnedPoolSizeTest, NothingAdjoinsTheNextAllocation) {
  for (const size_t bytes : {size_t{1}, size_t{64} << 10, size_t{1} << 20}) EXPECT_GT(PinnedPool::SizeFor(bytes), bytes);
}

TEST_F(PinnedPoolTest, KeepsNoMoreThanItsBound) {
  PinnedPool pool(100'000);
  auto memory = pool.Take(200'000);
  ASSERT_TRUE(memory.ok());
  (*memory)[199'999] = std::byte{1};
  memory->reset();
  const auto again = pool.Take(200'000);
  ASSERT_TRUE(again.ok());
  (*again)[199'999] = std::byte{2};
}

TEST_F(PinnedPoolTest, WhatItGaveOutlivesIt) {
  auto pool = std::make_unique<PinnedPool>(1 << 20);
  const auto memory = pool->Take(1);
  ASSERT_TRUE(memory.ok());
  pool.reset();
  (*memory)[0] = std::byte{1};
}

}  // namespace
}  // namespace baleen
