#include "transport/grpc/send_queue.h"

#include <grpcpp/support/slice.h>
#include <gtest/gtest.h>

namespace baleen {
namespace {

using Next = SendQueue::Next;

grpc::ByteBuffer Bytes(size_t size) {
  const grpc::Slice slice(size);
  return grpc::ByteBuffer(&slice, 1);
}

TEST(SendQueueTest, WritesOneAtATime) {
  SendQueue queue({});
  EXPECT_EQ(*queue.Push(Bytes(3)), Next::kWrite);
  EXPECT_EQ(*queue.Push(Bytes(4)), Next::kNothing);
  EXPECT_EQ(queue.front()->Length(), 3u);
  EXPECT_EQ(queue.WriteDone(true), Next::kWrite);
  EXPECT_EQ(queue.front()->Length(), 4u);
  EXPECT_EQ(queue.WriteDone(true), Next::kNothing);
  EXPECT_EQ(*queue.Push(Bytes(1)), Next::kWrite);
}

TEST(SendQueueTest, KeepsItsBounds) {
  SendQueue queue({.messages = 2, .bytes = 10});
  EXPECT_TRUE(queue.Push(Bytes(4)).ok());
  EXPECT_EQ(queue.Push(Bytes(7)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(queue.Push(Bytes(6)).ok());
  EXPECT_EQ(queue.Push(Bytes(0)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(queue.WriteDone(true), Next::kWrite);
  EXPECT_TRUE(queue.Push(Bytes(4)).ok());
}

TEST(SendQueueTest, FinishesOnceAfterTheWriteInFlight) {
  SendQueue queue({});
  EXPECT_TRUE(queue.Push(Bytes(3)).ok());
  EXPECT_TRUE(queue.Push(Bytes(3)).ok());
  EXPECT_EQ(queue.Break(), Next::kNothing);
  EXPECT_EQ(queue.Push(Bytes(3)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(queue.WriteDone(true), Next::kFinish);
  EXPECT_EQ(queue.Break(), Next::kNothing);
}

TEST(SendQueueTest, FinishesWhenAllIsWritten) {
  SendQueue queue({});
  EXPECT_TRUE(queue.Push(Bytes(3)).ok());
  EXPECT_TRUE(queue.Push(Bytes(4)).ok());
  EXPECT_EQ(queue.Finish(), Next::kNothing);
  EXPECT_EQ(queue.Push(Bytes(3)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(queue.WriteDone(true), Next::kWrite);
  EXPECT_EQ(queue.front()->Length(), 4u);
  EXPECT_EQ(queue.WriteDone(true), Next::kFinish);
  EXPECT_EQ(queue.Break(), Next::kNothing);
}

TEST(SendQueueTest, FinishesAtOnceWithNothingToWrite) {
  SendQueue queue({});
  EXPECT_EQ(queue.Finish(), Next::kFinish);
  EXPECT_EQ(queue.Break(), Next::kNothing);
}

TEST(SendQueueTest, BreakDropsWhatFinishWaitsFor) {
  SendQueue queue({});
  EXPECT_TRUE(queue.Push(Bytes(3)).ok());
  EXPECT_TRUE(queue.Push(Bytes(4)).ok());
  EXPECT_EQ(queue.Finish(), Next::kNothing);
  EXPECT_EQ(queue.Break(), Next::kNothing);
  EXPECT_EQ(queue.WriteDone(true), Next::kFinish);
}

TEST(SendQueueTest, AFailedWriteBreaks) {
  SendQueue queue({});
  EXPECT_TRUE(queue.Push(Bytes(3)).ok());
  EXPECT_EQ(queue.WriteDone(false), Next::kFinish);
  EXPECT_FALSE(queue.Push(Bytes(3)).ok());
}

}  // namespace
}  // namespace baleen
