// When the fallback takes over, and what it is given. The fallback here is made
// up.
#include "transport/ucx/ucx_connector.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "transport/grpc/severable_credentials.h"
#include "transport/limits.h"
#include "transport/testing/echo_server.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// Takes what it is sent, but for one message.
class FallbackStream final : public Connection {
 public:
  FallbackStream(StreamHandlers handlers, std::string refused) : handlers_(std::move(handlers)), refused_(std::move(refused)) {}

  absl::Status Send(Message message) override {
    if (message.header == refused_) return absl::ResourceExhaustedError("too much is queued");
    absl::MutexLock lock(&mu_);
    sent_.push_back(message.header);
    return absl::OkStatus();
  }
  void Close() override {
    const StreamHandlers last = std::exchange(handlers_, {});
    if (last.on_closed) last.on_closed(absl::CancelledError("closed by this end"));
  }
  bool AwaitSent(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&] { return sent_.size() >= count; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), kPatience);
  }
  std::vector<std::string> sent() {
    absl::MutexLock lock(&mu_);
    return sent_;
  }

 private:
  StreamHandlers handlers_;
  const std::string refused_;
  absl::Mutex mu_;
  std::vector<std::string> sent_;
};

class Fallback final : public Connector {
 public:
  std::shared_ptr<Connection> Connect(const std::string&, const std::string&, StreamHandlers handlers) override {
    auto stream = std::make_shared<FallbackStream>(std::move(handlers), refused);
    absl::MutexLock lock(&mu_);
    ++connects_;
    last_ = stream;
    mu_.Await(absl::Condition(&open_));
    return stream;
  }

  bool AwaitConnects(int count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&] { return connects_ >= count; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), kPatience);
  }
  // Connect does not return while it is not open.
  void SetOpen(bool open) {
    absl::MutexLock lock(&mu_);
    open_ = open;
  }
  std::shared_ptr<FallbackStream> last() {
    absl::MutexLock lock(&mu_);
    return last_;
  }

  std::string refused = "none";

 private:
  absl::Mutex mu_;
  int connects_ = 0;
  bool open_ = true;
  std::shared_ptr<FallbackStream> last_;
};

class UcxConnectorTest : public ::testing::Test {
 protected:
  // Every stream tries UCX.
  void Start(StreamBounds bounds = {}, std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr) {
    connector_ = std::make_unique<UcxConnector>(
        worker_.get(), &fallback_,
        UcxConnectorOptions{.bounds = bounds, .credentials = std::move(credentials), .retry_after = absl::ZeroDuration()});
  }

  std::shared_ptr<Connection> Connect(const EchoServer& server, StreamHandlers handlers) {
    return connector_->Connect(server.address(), kEchoMethod, std::move(handlers));
  }

  const std::unique_ptr<UcxWorker> worker_ = UcxWorker::Create({.devices = "sm"}).value();
  Fallback fallback_;
  std::unique_ptr<UcxConnector> connector_;
};

// A message that goes to and fro as long as its stream is open, and keeps the
// worker's thread awake.
class Shuttle {
 public:
  explicit Shuttle(UcxConnector& connector, const EchoServer& server)
      : connection_(connector.Connect(server.address(), kEchoMethod,
                                      {.on_message = [this](Message message) { OnMessage(std::move(message)); },
                                       .on_closed = [this](absl::Status) { closed_.Notify(); }})) {
    Send({"shuttle", {}});
    came_.WaitForNotification();
  }
  ~Shuttle() {
    connection_->Close();
    closed_.WaitForNotification();
  }

 private:
  void OnMessage(Message message) {
    if (!came_.HasBeenNotified()) came_.Notify();
    Send(std::move(message));
  }
  // The stream may be closing.
  void Send(Message message) { (void)connection_->Send(std::move(message)); }

  absl::Notification came_;
  absl::Notification closed_;
  const std::shared_ptr<Connection> connection_;
};

// Only descriptors that are open already, while it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{.rlim_cur = 3, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(UcxConnectorTest, StreamsThatGetNoPortFallBack) {
  const EchoServer server("sm");
  Start();
  const Shuttle shuttle(*connector_, server);
  const NoMoreDescriptors no_more;
  constexpr int kStreams = 2000;
  absl::BlockingCounter open(kStreams);
  std::vector<std::shared_ptr<Connection>> streams;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(Connect(server, {.on_message = nullptr, .on_closed = [&](absl::Status) { open.DecrementCount(); }}));
  }
  EXPECT_TRUE(fallback_.AwaitConnects(kStreams));
  for (const auto& stream : streams) stream->Close();
  open.Wait();
}

// Plaintext, whose channels are all severed on request.
class Severable final : public SeverableCredentials {
 public:
  void Sever() { severed_ = made_; }
  int made() const { return made_; }
  bool Severed(const grpc::Channel&) const override { return severed_ == made_; }

 private:
  std::shared_ptr<grpc::Channel> CreateChannelImpl(const std::string& target, const grpc::ChannelArguments& arguments) override {
    ++made_;
    return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::SecureChannelCredentials* AsSecureCredentials() override { return nullptr; }

  int made_ = 0;
  int severed_ = 0;
};

TEST_F(UcxConnectorTest, AControlChannelIsKeptUntilItIsSevered) {
  const EchoServer server("sm");
  const auto credentials = std::make_shared<Severable>();
  Start({}, credentials);
  { const Shuttle first(*connector_, server); }
  { const Shuttle second(*connector_, server); }
  EXPECT_EQ(credentials->made(), 1);
  credentials->Sever();
  const Shuttle third(*connector_, server);
  EXPECT_EQ(credentials->made(), 2);
}

// A stream that goes over the fallback, which has not taken over yet.
class UcxFallingBackTest : public UcxConnectorTest {
 protected:
  UcxFallingBackTest() { fallback_.SetOpen(false); }

  // Its first message is sent before the fallback is asked, as a rule.
  void FallBack(const std::string& first, StreamBounds bounds = {}) {
    Start(bounds);
    stream_ = Connect(server_, {.on_message = nullptr, .on_closed = [this](absl::Status status) {
                                  end_ = std::move(status);
                                  closed_.Notify();
                                }});
    if (!first.empty()) {
      ASSERT_TRUE(stream_->Send(Text(first)).ok());
    }
    ASSERT_TRUE(fallback_.AwaitConnects(1));
  }
  void TakeOver() { fallback_.SetOpen(true); }
  absl::Status AwaitEnd() {
    EXPECT_TRUE(closed_.WaitForNotificationWithTimeout(kPatience));
    return end_;
  }
  void Close() {
    TakeOver();
    stream_->Close();
    EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kCancelled);
  }
  static Message Text(std::string header) { return {std::move(header), {}}; }

  const EchoServer server_{""};
  std::shared_ptr<Connection> stream_;
  absl::Status end_;
  absl::Notification closed_;
};

TEST_F(UcxFallingBackTest, WhatWaitedGoesInOrder) {
  FallBack("0");
  ASSERT_TRUE(stream_->Send(Text("1")).ok());
  ASSERT_TRUE(stream_->Send(Text("2")).ok());
  TakeOver();
  EXPECT_TRUE(fallback_.last()->AwaitSent(3));
  EXPECT_EQ(fallback_.last()->sent(), (std::vector<std::string>{"0", "1", "2"}));
  Close();
}

TEST_F(UcxFallingBackTest, AMessageThatTheFallbackRefusesEndsTheStream) {
  fallback_.refused = "2";
  FallBack("0");
  for (const char* header : {"1", "2", "3"}) ASSERT_TRUE(stream_->Send(Text(header)).ok());
  TakeOver();
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kUnavailable) << end_;
  EXPECT_NE(end_.message().find("too much is queued"), std::string::npos) << end_;
  EXPECT_EQ(fallback_.last()->sent(), (std::vector<std::string>{"0", "1"}));
}

TEST_F(UcxFallingBackTest, NothingFollowsTheFirstMessageThatTheFallbackRefuses) {
  fallback_.refused = "0";
  FallBack("0");
  ASSERT_TRUE(stream_->Send(Text("1")).ok());
  TakeOver();
  EXPECT_EQ(AwaitEnd().code(), absl::StatusCode::kUnavailable) << end_;
  EXPECT_TRUE(fallback_.last()->sent().empty());
}

TEST_F(UcxFallingBackTest, WhatWaitsIsBounded) {
  FallBack("", {.messages = 3, .bytes = 1000});
  EXPECT_TRUE(stream_->Send(Text(std::string(600, 'h'))).ok());
  EXPECT_EQ(stream_->Send(Text(std::string(600, 'h'))).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(stream_->Send(Text(std::string(kMaxHeaderBytes + 1, 'h'))).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(stream_->Send(Text("1")).ok());
  EXPECT_TRUE(stream_->Send(Text("2")).ok());
  EXPECT_EQ(stream_->Send(Text("3")).code(), absl::StatusCode::kResourceExhausted);
  Close();
}

}  // namespace
}  // namespace baleen
