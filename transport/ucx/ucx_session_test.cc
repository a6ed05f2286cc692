// What a peer that speaks garbage meets. The peer here is a worker whose fragments are written by hand.
#include "transport/ucx/ucx_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/synchronization/notification.h"

namespace baleen {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr int kLongMessage = 20;  // Fragments, fewer than shared memory's queue takes.

class Peer final : public UcxReceiver {
 public:
  void OnFragment(const FragmentHeader& header, absl::Span<const std::byte>) override {
    if (header.kind == FragmentKind::kHello && !greeted.HasBeenNotified()) greeted.Notify();
    if (header.kind == FragmentKind::kAsk) asked.Notify();
    if (header.kind == FragmentKind::kAck) {
      consumed = header.sequence;
      acknowledged.Notify();
    }
    if (header.kind != FragmentKind::kData) return;
    ++fragments;
    if (fragments == kLongMessage) first_arrived.Notify();
    if (fragments == 2 * kLongMessage) second_arrived.Notify();
  }
  void OnEndpointError(absl::Status) override {}
  void OnTick(absl::Time) override {}
  void Run() override {}

  absl::Notification greeted;
  absl::Notification asked;
  absl::Notification acknowledged;
  uint64_t consumed = 0;  // Until `acknowledged`.
  int fragments = 0;      // Of data; guarded by the worker's lock.
  absl::Notification first_arrived;
  absl::Notification second_arrived;
};

class UcxSessionTest : public ::testing::Test {
 protected:
  UcxSessionTest() {
    session_ = std::make_shared<UcxSession>(worker_.get(), UcxSession::Side::kAccepts, StreamBounds{});
    coordinates_ = session_->Start({.on_open = nullptr,
                                    .on_message =
                                        [this](Message message) {
                                          messages_.push_back(std::move(message));
                                          if (react_) react_();
                                        },
                                    .on_ended =
                                        [this](absl::Status reason, bool opened) {
                                          end_ = std::move(reason);
                                          ended_.Notify();
                                        }});
    const SessionToken token = DrawToken();
    const std::shared_ptr<UcxPort> port = peer_worker_->OpenPort().value();
    UcxCoordinates peer{.worker_address = UcxWorker::AddressOf(*port), .token = token};
    {
      UcxWorker::Lock lock(*peer_worker_);
      peer_session_ = peer_worker_->Register(peer_, token, port);
      endpoint_ = peer_worker_->Connect(coordinates_.worker_address, peer_session_).value();
    }
    peer.session = peer_session_;
    session_->Attach(peer, absl::Now() + kPatience);
  }

  ~UcxSessionTest() override {
    session_->End(absl::CancelledError("the test is over"));
    ended_.WaitForNotification();
    UcxWorker::Lock lock(*peer_worker_);
    peer_worker_->Disconnect(endpoint_);
    peer_worker_->Unregister(peer_session_);
  }

  void Greet() {
    Say(FragmentKind::kHello);
    ASSERT_TRUE(peer_->greeted.WaitForNotificationWithTimeout(kPatience));
  }

  void Say(FragmentKind kind, FragmentHeader header = {}, const std::string& run = "") {
    header.session = coordinates_.session;
    header.token = coordinates_.token;
    header.kind = kind;
    Say(EncodeFragmentHeader(header), run);
  }

  // The bytes as they are.
  void Say(const WireFragmentHeader& header, const std::string& run) {
    struct OwningPost : UcxPost {
      std::string run;
    };
    auto post = std::make_unique<OwningPost>();
    post->header = header;
    post->run = run;
    if (!run.empty()) post->slices[post->slice_count++] = {post->run.data(), post->run.size()};
    post->done = [](UcxPost* done, absl::Status) { delete static_cast<OwningPost*>(done); };
    UcxWorker::Lock lock(*peer_worker_);
    if (!peer_worker_->Post(endpoint_, post.get())) (void)post.release();
  }

  absl::Status AwaitEnd() {
    EXPECT_TRUE(ended_.WaitForNotificationWithTimeout(kPatience));
    return end_;
  }

  std::atomic<int> dropped_{0};
  const std::unique_ptr<UcxWorker> worker_ = UcxWorker::Create({.devices = "sm", .on_dropped = [this] { ++dropped_; }}).value();
  const std::unique_ptr<UcxWorker> peer_worker_ = UcxWorker::Create({.devices = "sm"}).value();
  const std::shared_ptr<Peer> peer_ = std::make_shared<Peer>();
  std::shared_ptr<UcxSession> session_;
  UcxCoordinates coordinates_;
  uint64_t peer_session_ = 0;
  UcxEndpoint* endpoint_ = nullptr;
  std::vector<Message> messages_;  // Of the worker's thread until `ended_`.
  std::function<void()> react_;    // On that thread, to a message.
  absl::Status end_;
  absl::Notification ended_;
};

TEST_F(UcxSessionTest, WrongTokensAndSessionsAreDroppedAndCounted) {
  Greet();
  FragmentHeader forged{.session = coordinates_.session, .token = DrawToken(), .kind = FragmentKind::kData, .header_bytes = 1};
  Say(EncodeFragmentHeader(forged), "x");
  forged.session = coordinates_.session + 1;
  forged.token = coordinates_.token;
  Say(EncodeFragmentHeader(forged), "x");
  forged.session = coordinates_.session;
  forged.kind = static_cast<FragmentKind>(77);
  Say(EncodeFragmentHeader(forged), "x");
  // Fragments come in order, so the next one tells that those before it were looked at. It asks for the end.
  Say(FragmentKind::kData, {.sequence = 1, .header_bytes = 1}, "x");
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(dropped_, 3);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(UcxSessionTest, SizesOverTheLimitEndIt) {
  Greet();
  Say(FragmentKind::kData, {.header_bytes = 1, .payload_bytes = 0xffffffff}, "x");
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(end_.message().find("payload bytes"), std::string::npos) << end_;
}

TEST_F(UcxSessionTest, MoreBytesThanAnnouncedEndIt) {
  Greet();
  Say(FragmentKind::kData, {.header_bytes = 1, .payload_bytes = 2}, "four");
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(UcxSessionTest, DataBeforeHelloEndsIt) {
  Say(FragmentKind::kData, {.header_bytes = 1}, "x");
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(UcxSessionTest, AcknowledgingTheFutureEndsIt) {
  Greet();
  Say(FragmentKind::kAck, {.sequence = 1});
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(UcxSessionTest, WhatWasSentEndsWhenThePeerHasIt) {
  Greet();
  ASSERT_TRUE(session_->Send({.header = "h", .payload = {}}).ok());
  session_->EndWhenSent(absl::UnavailableError("over"));
  ASSERT_TRUE(peer_->asked.WaitForNotificationWithTimeout(kPatience));
  EXPECT_FALSE(ended_.HasBeenNotified());
  Say(FragmentKind::kAck, {.sequence = WindowCost(1)});
  EXPECT_EQ(AwaitEnd(), absl::UnavailableError("over"));
}

TEST_F(UcxSessionTest, APeerThatAsksHearsWhenAllIsConsumed) {
  Greet();
  absl::Notification release;
  react_ = [&] { release.WaitForNotification(); };
  Say(FragmentKind::kData, {.header_bytes = 1}, "x");
  Say(FragmentKind::kAsk);
  EXPECT_FALSE(peer_->acknowledged.HasBeenNotified());
  release.Notify();
  ASSERT_TRUE(peer_->acknowledged.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(peer_->consumed, WindowCost(1));
}

TEST_F(UcxSessionTest, ALongMessageLeavesTheLockToOtherStreams) {
  Greet();
  const size_t bytes = kLongMessage * kMaxFragmentBytes - 1;
  const std::shared_ptr<std::byte[]> payload(new std::byte[bytes]());
  const Message message = {.header = "h", .payload = {payload, payload.get(), bytes}};
  // Until the first one is there UCX holds fragments back for want of a connection.
  ASSERT_TRUE(session_->Send(message).ok());
  ASSERT_TRUE(peer_->first_arrived.WaitForNotificationWithTimeout(kPatience));
  absl::Notification sent;
  // The worker's thread, which would send on, is here meanwhile.
  react_ = [&] {
    EXPECT_TRUE(session_->Send(message).ok());
    {
      UcxWorker::Lock lock(*peer_worker_);
      peer_worker_->TakeArrived(peer_session_);
      EXPECT_LE(peer_->fragments, kLongMessage + 4);
    }
    sent.Notify();
  };
  Say(FragmentKind::kData, {.header_bytes = 1}, "x");
  ASSERT_TRUE(sent.WaitForNotificationWithTimeout(kPatience));
  EXPECT_TRUE(peer_->second_arrived.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(UcxSessionTest, GoodMessagesAreDeliveredBeforeTheEnd) {
  Greet();
  Say(FragmentKind::kData, {.sequence = 0, .header_bytes = 2, .payload_bytes = 3}, "hiyou");
  Say(FragmentKind::kData, {.sequence = 5, .header_bytes = 1}, "x");
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(messages_.size(), 1u);
  EXPECT_EQ(messages_[0].header, "hi");
  EXPECT_EQ(messages_[0].payload.size, 3u);
}

}  // namespace
}  // namespace baleen
