// What is special about UCX: when gRPC takes over, peers that die, streams that break under load.
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "transport/grpc/grpc_connector.h"
#include "transport/testing/child_process.h"
#include "transport/testing/echo_server.h"
#include "transport/ucx/ucx_connector.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr char kEchoServer[] = "transport/testing/echo_server_main";

// A process with UCX that connects.
class Client {
 public:
  explicit Client(const std::string& devices, absl::Duration retry_after = absl::Hours(1), absl::Duration hello_timeout = absl::Seconds(1))
      : worker_(UcxWorker::Create({.devices = devices}).value()),
        connector_(worker_.get(), &grpc_,
                   {.hello_timeout = hello_timeout,
                    .retry_after = retry_after,
                    .on_fallback = [this](const std::string&, const absl::Status& reason) {
                      std::lock_guard lock(mu_);
                      fallbacks_.push_back(reason);
                    }}) {}

  UcxConnector& connector() { return connector_; }
  std::vector<absl::Status> fallbacks() {
    std::lock_guard lock(mu_);
    return fallbacks_;
  }

 private:
  std::mutex mu_;
  std::vector<absl::Status> fallbacks_;
  const std::unique_ptr<UcxWorker> worker_;
  GrpcConnector grpc_;
  UcxConnector connector_;
};

// One stream of a client.
class Stream {
 public:
  Stream(Client& client, const std::string& address)
      : connection_(client.connector().Connect(address, kEchoMethod,
                                               {.on_message = [this](Message message) { OnMessage(std::move(message)); },
                                                .on_closed =
                                                    [this](absl::Status status) {
                                                      end_ = std::move(status);
                                                      closed_.Notify();
                                                    }})) {}
  ~Stream() { Close(); }

  Connection& connection() { return *connection_; }
  // The answer to the first message.
  std::string Ask(const std::string& question) {
    EXPECT_TRUE(connection_->Send({question, {}}).ok());
    EXPECT_TRUE(answered_.WaitForNotificationWithTimeout(kPatience));
    return answer_;
  }
  absl::Status AwaitEnd() {
    EXPECT_TRUE(closed_.WaitForNotificationWithTimeout(kPatience));
    return end_;
  }
  void Close() {
    connection_->Close();
    closed_.WaitForNotification();
  }

 private:
  void OnMessage(Message message) {
    if (answered_.HasBeenNotified()) return;
    answer_ = message.header;
    answered_.Notify();
  }

  std::string answer_;
  absl::Status end_;
  absl::Notification answered_;
  absl::Notification closed_;
  const std::shared_ptr<Connection> connection_;
};

TEST(UcxWorkerTest, RefusesWhereEncryptionIsRequired) {
  const auto worker = UcxWorker::Create({.encryption_required = true});
  EXPECT_EQ(worker.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(worker.status().message().find("encryption"), std::string::npos) << worker.status();
}

TEST(UcxWorkerTest, NamesADeviceThatIsNotThere) {
  const auto worker = UcxWorker::Create({.devices = "nodevice0"});
  EXPECT_EQ(worker.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(worker.status().message().find("nodevice0"), std::string::npos) << worker.status();
}

TEST(UcxFallbackTest, BothHaveIt) {
  EchoServer server("sm");
  Client client("sm");
  Stream stream(client, server.address());
  EXPECT_EQ(stream.Ask("hello"), "hello");
  EXPECT_TRUE(client.fallbacks().empty());
}

TEST(UcxFallbackTest, PeerHasNone) {
  EchoServer server("");
  Client client("sm");
  {
    Stream stream(client, server.address());
    EXPECT_EQ(stream.Ask("hello"), "hello");
    ASSERT_EQ(client.fallbacks().size(), 1u);
    EXPECT_NE(client.fallbacks()[0].message().find("no UCX"), std::string::npos) << client.fallbacks()[0];
  }
  Stream again(client, server.address());
  EXPECT_EQ(again.Ask("again"), "again");
  EXPECT_EQ(client.fallbacks().size(), 1u) << "the address is remembered";
}

TEST(UcxFallbackTest, NoDeviceInCommon) {
  EchoServer server("lo");
  Client client("sm");
  Stream stream(client, server.address());
  EXPECT_EQ(stream.Ask("hello"), "hello");
  EXPECT_EQ(client.fallbacks().size(), 1u);
}

TEST(UcxFallbackTest, TriesAgainLater) {
  EchoServer server("");
  Client client("sm", absl::ZeroDuration());
  Stream first(client, server.address());
  EXPECT_EQ(first.Ask("hello"), "hello");
  Stream second(client, server.address());
  EXPECT_EQ(second.Ask("hello"), "hello");
  EXPECT_EQ(client.fallbacks().size(), 2u);
}

class UcxDevicesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(UcxDevicesTest, KilledPeerIsUnavailable) {
  ChildProcess server({kEchoServer, GetParam()});
  const std::string address = server.ReadLine();
  Client client(GetParam());
  Stream stream(client, address);
  EXPECT_EQ(stream.Ask("hello"), "hello");
  ASSERT_TRUE(client.fallbacks().empty());
  server.Kill();
  EXPECT_EQ(stream.AwaitEnd().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(stream.connection().Send({"late", {}}).code(), absl::StatusCode::kUnavailable);
  Stream after(client, address);
  EXPECT_EQ(after.AwaitEnd().code(), absl::StatusCode::kUnavailable);
}

TEST_P(UcxDevicesTest, PeerIsKilledWhileMessagesAreUnderWay) {
  Client client(GetParam());
  const Payload payload = Payload::Own(std::vector<char>(4 << 20));
  for (int round = 0; round < 3; ++round) {
    ChildProcess server({kEchoServer, GetParam()});
    const std::string address = server.ReadLine();
    Stream stream(client, address);
    EXPECT_EQ(stream.Ask("hello"), "hello");
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(stream.connection().Send({"h", payload}).ok());
    server.Kill();
    EXPECT_EQ(stream.AwaitEnd().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_TRUE(client.fallbacks().empty());
}

// Both ends have messages under way in both directions when one of them closes, over and over, beside a stream that stays. Not over TCP,
// for the reason that UcxOptions gives.
TEST(UcxLoadTest, StreamsBreakUnderLoad) {
  EchoServer server("sm");
  Client client("sm");
  Stream lasting(client, server.address());
  const Payload payload = Payload::Own(std::vector<char>(1 << 20));
  for (int round = 0; round < 100; ++round) {
    Stream stream(client, server.address());
    for (int i = 0; i <= round % 8; ++i) EXPECT_TRUE(stream.connection().Send({absl::StrCat(i), payload}).ok());
    if (round % 2 == 0) {
      EXPECT_EQ(stream.Ask("hello"), "0");
    }
    stream.Close();
  }
  EXPECT_EQ(lasting.Ask("still"), "still");
  EXPECT_TRUE(client.fallbacks().empty());
}

// Sends every message back for as long as it goes.
class Juggler {
 public:
  Juggler(Client& client, std::string address, int balls) : client_(client), address_(std::move(address)), balls_(balls) { Begin(); }
  ~Juggler() {
    connection_->Close();
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&ended_));
  }

  // Begins again where the stream has ended: a peer that gets no core for half a second counts as dead.
  bool AwaitCatches(int64_t more) {
    const absl::Time deadline = absl::Now() + kPatience;
    int64_t goal = 0;
    {
      absl::MutexLock lock(&mu_);
      goal = caught_ + more;
    }
    const auto settled = [this, &goal] { return caught_ >= goal || ended_; };
    while (true) {
      {
        absl::MutexLock lock(&mu_);
        if (!mu_.AwaitWithDeadline(absl::Condition(&settled), deadline)) return false;
        if (caught_ >= goal) return true;
      }
      Begin();
    }
  }

 private:
  void Begin() {
    {
      absl::MutexLock lock(&mu_);
      ended_ = false;
    }
    connection_ = client_.connector().Connect(address_, kEchoMethod,
                                              {.on_message =
                                                   [this](Message message) {
                                                     {
                                                       absl::MutexLock lock(&mu_);
                                                       ++caught_;
                                                     }
                                                     (void)connection_->Send(std::move(message));
                                                   },
                                               .on_closed =
                                                   [this](absl::Status) {
                                                     absl::MutexLock lock(&mu_);
                                                     ended_ = true;
                                                   }});
    // A message that does not go means that the stream ends.
    for (int i = 0; i < balls_; ++i) (void)connection_->Send({"ball", payload_});
  }

  Client& client_;
  const std::string address_;
  const int balls_;
  const Payload payload_ = Payload::Own(std::vector<char>(14336));
  std::shared_ptr<Connection> connection_;
  absl::Mutex mu_;
  int64_t caught_ = 0;
  bool ended_ = false;
};

// A process may die in the middle of writing to the memory that it shares with this one.
TEST(UcxLoadTest, APeersDeathLeavesTheOthersReachable) {
  ChildProcess lasting_server({kEchoServer, "sm"});
  const std::string lasting_address = lasting_server.ReadLine();
  Client client("sm", absl::Hours(1), kPatience);
  Juggler lasting(client, lasting_address, 1);
  for (int round = 0; round < 40; ++round) {
    ChildProcess server({kEchoServer, "sm"});
    Juggler juggler(client, server.ReadLine(), 8);
    ASSERT_TRUE(juggler.AwaitCatches(100 + round % 7));
    server.Kill();
    ASSERT_TRUE(lasting.AwaitCatches(10)) << "round " << round;
  }
  EXPECT_TRUE(client.fallbacks().empty());
}

INSTANTIATE_TEST_SUITE_P(Devices, UcxDevicesTest, ::testing::Values("sm", "lo"), [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace baleen
