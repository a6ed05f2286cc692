#include "services/router/shard_link.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "services/router/testing/scripted_connector.h"

namespace baleen {
namespace {

// Beyond every backoff, and nothing that these tests wait for.
constexpr absl::Duration kLong = absl::Hours(1);

// A link whose stream has broken, on another thread, which is still in on_down.
class BrokenLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ShardEvents events;
    events.on_reply = [](const ShardLink&, const v1::ExpertReplyHeader&, const Payload&) {};
    events.on_up = [](const ShardLink&) {};
    events.on_alive = [](const ShardLink&) {};
    events.on_down = [this](const ShardLink&, const absl::Status&) {
      says_down_.Notify();
      may_return_.WaitForNotification();
    };
    link_ = std::make_shared<ShardLink>(&connector_, "a", "numerics", kLong, std::move(events));
    link_->Tick(Clock::Real()->Now());
    ASSERT_TRUE(link_->up());
    transport_ = std::thread([this] { connector_.streams()[0]->End(absl::UnavailableError("gone")); });
    says_down_.WaitForNotification();
  }

  void LetOnDownReturn() {
    may_return_.Notify();
    transport_.join();
  }

  ScriptedConnector connector_;
  absl::Notification says_down_;
  absl::Notification may_return_;
  std::shared_ptr<ShardLink> link_;
  std::thread transport_;
};

TEST_F(BrokenLinkTest, ConnectsAgainOnceOnDownHasReturned) {
  const absl::Time later = Clock::Real()->Now() + kLong;
  EXPECT_GT(link_->Tick(later), later);
  EXPECT_EQ(connector_.streams().size(), 1u);
  EXPECT_FALSE(link_->up());
  LetOnDownReturn();
  link_->Tick(later);
  EXPECT_EQ(connector_.streams().size(), 2u);
  EXPECT_TRUE(link_->up());
}

TEST_F(BrokenLinkTest, StaysClosedWhenItIsClosedDuringOnDown) {
  link_->Close();
  LetOnDownReturn();
  EXPECT_EQ(link_->Tick(Clock::Real()->Now() + kLong), absl::InfiniteFuture());
  EXPECT_EQ(connector_.streams().size(), 1u);
}

}  // namespace
}  // namespace baleen
