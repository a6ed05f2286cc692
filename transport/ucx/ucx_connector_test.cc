// When the fallback takes over, and what it is given. The fallback here is made
// up.
#include "transport/ucx/ucx_connector.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "transport/testing/echo_server.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// Takes whatever it is sent.
class FallbackStream final : public Connection {
 public:
  explicit FallbackStream(StreamHandlers handlers) : handlers_(std::move(handlers)) {}

  absl::Status Send(Message) override { return absl::OkStatus(); }
  void Close() override {
    const StreamHandlers last = std::exchange(handlers_, {});
    if (last.on_closed) last.on_closed(absl::CancelledError("closed by this end"));
  }

 private:
  StreamHandlers handlers_;
};

class Fallback final : public Connector {
 public:
  std::shared_ptr<Connection> Connect(const std::string&, const std::string&, StreamHandlers handlers) override {
    auto stream = std::make_shared<FallbackStream>(std::move(handlers));
    absl::MutexLock lock(&mu_);
    ++connects_;
    return stream;
  }

  bool AwaitConnects(int count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&] { return connects_ >= count; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), kPatience);
  }

 private:
  absl::Mutex mu_;
  int connects_ = 0;
};

class UcxConnectorTest : public ::testing::Test {
 protected:
  // Every stream tries UCX.
  void Start(StreamBounds bounds = {}) {
    connector_ = std::make_unique<UcxConnector>(worker_.get(), &fallback_,
                                                UcxConnectorOptions{.bounds = bounds, .retry_after = absl::ZeroDuration()});
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

}  // namespace
}  // namespace baleen
