#include "base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(ThreadPoolTest, CoversEveryIndexOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t count : {0, 1, 2, 7, 64, 1000}) {
      for (int64_t grain : {1, 3, 64}) {
        std::vector<std::atomic<int>> hits(count);
        pool.ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
          EXPECT_LT(begin, end);
          EXPECT_EQ(begin % grain, 0);
          EXPECT_TRUE(end == count || (end - begin) % grain == 0);
          for (int64_t i = begin; i < end; ++i) ++hits[i];
        });
        for (int64_t i = 0; i < count; ++i) EXPECT_EQ(hits[i], 1) << "index " << i << " of " << count << ", grain " << grain;
      }
    }
  }
}

TEST(ThreadPoolTest, RunsInlineUpToOneGrain) {
  ThreadPool pool(4);
  std::thread::id ran;
  pool.ParallelFor(8, 8, [&](int64_t begin, int64_t end) {
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 8);
    ran = std::this_thread::get_id();
  });
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(ThreadPoolTest, NestedCallsRunInline) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  pool.ParallelFor(16, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const std::thread::id outer = std::this_thread::get_id();
      pool.ParallelFor(100, 1, [&](int64_t inner_begin, int64_t inner_end) {
        EXPECT_EQ(std::this_thread::get_id(), outer);
        for (int64_t j = inner_begin; j < inner_end; ++j) sum += j;
      });
    }
  });
  EXPECT_EQ(sum, 16 * 4950);
}

// All threads must be in the body at once for the barrier to open.
TEST(ThreadPoolTest, UsesAllThreads) {
  ThreadPool pool(3);
  std::atomic<int> inside{0};
  pool.ParallelFor(3, 1, [&](int64_t, int64_t) {
    ++inside;
    while (inside < 3) std::this_thread::yield();
  });
  EXPECT_EQ(inside, 3);
}

// While one thread has the first index, the others do all the rest.
TEST(ThreadPoolTest, ForEachHandsOutOneAtATime) {
  constexpr int64_t kCount = 100;
  ThreadPool pool(2);
  std::atomic<int64_t> next{0}, done{0};
  std::vector<int64_t> started(kCount);
  pool.ForEach(kCount, [&](int64_t i) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (i == 0 && done < kCount - 1 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    if (i > 0) started[next++] = i;
    ++done;
    if (i == 0) {
      EXPECT_EQ(done, kCount);
    }
  });
  for (int64_t i = 1; i < kCount; ++i) EXPECT_EQ(started[i - 1], i);
}

TEST(ThreadPoolTest, ForEachRunsInlineWithoutOthers) {
  ThreadPool alone(1), pool(2);
  const std::thread::id caller = std::this_thread::get_id();
  int64_t sum = 0;
  const auto add = [&](int64_t i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    sum += i;
  };
  pool.ForEach(0, add);
  pool.ForEach(1, add);
  alone.ForEach(10, add);
  EXPECT_EQ(sum, 45);
}

TEST(ThreadPoolTest, JoinPublishesWritesOverManyForks) {
  ThreadPool pool(4);
  std::vector<int64_t> cells(64, 0);
  for (int round = 0; round < 2000; ++round) {
    pool.ParallelFor(64, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) cells[i] += i;
    });
  }
  for (int64_t i = 0; i < 64; ++i) EXPECT_EQ(cells[i], 2000 * i);
}

TEST(ThreadPoolTest, CallersFromSeveralThreadsTakeTurns) {
  ThreadPool pool(2);
  std::vector<std::atomic<int>> hits(400);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      pool.ParallelFor(100, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++hits[caller * 100 + i];
      });
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::atomic<int>& hit : hits) EXPECT_EQ(hit, 1);
}

}  // namespace
}  // namespace baleen
