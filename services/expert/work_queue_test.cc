#include "services/expert/work_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace baleen {
namespace {

ExpertCall Call(uint64_t id, int layer, int slots = 1) {
  ExpertCall call;
  call.call_id = id;
  call.layer = layer;
  call.expert_ids.resize(slots);
  return call;
}

std::vector<uint64_t> Ids(const std::vector<ExpertCall>& calls) {
  std::vector<uint64_t> ids;
  for (const ExpertCall& call : calls) ids.push_back(call.call_id);
  return ids;
}

TEST(WorkQueueTest, TakesTheOldestLayerTogether) {
  WorkQueue queue({}, 2);
  for (const auto& [id, layer] : {std::pair{1, 5}, {2, 6}, {3, 5}, {4, 6}, {5, 5}}) ASSERT_TRUE(queue.Push(Call(id, layer), 1).ok());
  EXPECT_EQ(Ids(queue.PopLayer(100)), (std::vector<uint64_t>{1, 3, 5}));
  EXPECT_EQ(queue.depth(), 2u);
  EXPECT_EQ(Ids(queue.PopLayer(100)), (std::vector<uint64_t>{2, 4}));
}

TEST(WorkQueueTest, BoundsOneComputation) {
  WorkQueue queue({}, 2);
  for (const uint64_t id : {1, 2, 3}) ASSERT_TRUE(queue.Push(Call(id, 0, 10), 1).ok());
  EXPECT_EQ(Ids(queue.PopLayer(20)), (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(Ids(queue.PopLayer(5)), (std::vector<uint64_t>{3}));
}

TEST(WorkQueueTest, KeepsItsBounds) {
  WorkQueue queue({.calls = 2, .bytes = 10});
  EXPECT_TRUE(queue.Push(Call(1, 0), 6).ok());
  EXPECT_EQ(queue.Push(Call(2, 0), 5).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(queue.Push(Call(3, 0), 4).ok());
  EXPECT_EQ(queue.Push(Call(4, 0), 0).code(), absl::StatusCode::kResourceExhausted);
  queue.PopLayer(100);
  EXPECT_TRUE(queue.Push(Call(5, 0), 10).ok());
}

TEST(WorkQueueTest, BeginsAtOnceOnlyAtRest) {
  WorkQueue queue({});
  EXPECT_TRUE(queue.TryBegin());
  EXPECT_FALSE(queue.TryBegin()) << "one is under way";
  queue.Done();
  ASSERT_TRUE(queue.Push(Call(1, 0), 1).ok());
  EXPECT_FALSE(queue.TryBegin()) << "a call waits";
  EXPECT_EQ(queue.PopLayer(10).size(), 1u);
  EXPECT_FALSE(queue.TryBegin()) << "one is under way";
  queue.Done();
  EXPECT_TRUE(queue.TryBegin());
  queue.Done();
  queue.Close();
  EXPECT_FALSE(queue.TryBegin()) << "closed";
  queue.AwaitDone();
}

TEST(WorkQueueTest, WaitsForAComputationThatBeganWithoutIt) {
  WorkQueue queue({});
  ASSERT_TRUE(queue.TryBegin());
  ASSERT_TRUE(queue.Push(Call(1, 0), 1).ok());
  std::atomic<bool> done{false};
  std::thread taker([&] {
    EXPECT_EQ(queue.PopLayer(10).size(), 1u);
    EXPECT_TRUE(done);
  });
  done = true;
  queue.Done();
  taker.join();
}

TEST(WorkQueueTest, CloseHandsOutTheRest) {
  WorkQueue queue({});
  ASSERT_TRUE(queue.Push(Call(1, 0), 1).ok());
  queue.Close();
  EXPECT_EQ(queue.Push(Call(2, 0), 1).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(queue.PopLayer(10).size(), 1u);
  EXPECT_TRUE(queue.PopLayer(10).empty());
}

}  // namespace
}  // namespace baleen
