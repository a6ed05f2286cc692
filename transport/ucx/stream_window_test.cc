#include "transport/ucx/stream_window.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(StreamWindowTest, NeverWaitsForEachOther) {
  // Whatever the sizes are, a sender that has to wait gets an acknowledgement once all that it sent was consumed.
  for (const size_t size : {size_t{0}, size_t{14336}, size_t{1} << 20, kMaxHeaderBytes + kMaxPayloadBytes}) {
    SendWindow sender;
    ReceiveWindow receiver;
    for (int round = 0; round < 10; ++round) {
      int under_way = 0;
      for (; sender.open(); ++under_way) {
        sender.Sent(WindowCost(size));
        ASSERT_TRUE(receiver.Received(WindowCost(size)));
      }
      EXPECT_GT(under_way, 0);
      for (; under_way > 0; --under_way) {
        const auto ack = receiver.Consumed(WindowCost(size));
        if (ack.has_value()) {
          EXPECT_TRUE(sender.Acked(*ack));
        }
      }
      EXPECT_TRUE(sender.open()) << size;
    }
  }
}

TEST(StreamWindowTest, WhoAsksHearsWhenAllIsConsumed) {
  ReceiveWindow receiver;
  EXPECT_EQ(receiver.Asked(), 0u);
  ASSERT_TRUE(receiver.Received(100));
  ASSERT_TRUE(receiver.Received(200));
  EXPECT_EQ(receiver.Asked(), std::nullopt);
  EXPECT_EQ(receiver.Consumed(100), std::nullopt);
  EXPECT_EQ(receiver.Consumed(200), 300u);
}

TEST(StreamWindowTest, EmptyMessagesAreBoundedToo) {
  SendWindow sender;
  int sent = 0;
  for (; sender.open(); ++sent) sender.Sent(WindowCost(0));
  EXPECT_LE(sent, 20000);
}

TEST(StreamWindowTest, APeerThatSendsOnIsNoticed) {
  ReceiveWindow receiver;
  int taken = 0;
  while (receiver.Received(WindowCost(kMaxPayloadBytes))) ++taken;
  EXPECT_EQ(taken, 1);
}

TEST(StreamWindowTest, AcknowledgesOnlyWhatWasSent) {
  SendWindow sender;
  sender.Sent(100);
  EXPECT_FALSE(sender.Acked(101));
  EXPECT_TRUE(sender.Acked(100));
  EXPECT_TRUE(sender.Acked(50)) << "a late one";
  EXPECT_TRUE(sender.Acked(100));
}

}  // namespace
}  // namespace baleen
