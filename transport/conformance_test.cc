// What every transport backend keeps, run on each of them.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "proto/baleen/v1/expert.grpc.pb.h"
#include "transport/grpc/grpc_connector.h"
#include "transport/grpc/grpc_stream_server.h"
#include "transport/inproc/inproc_network.h"
#include "transport/transport.h"
#include "transport/ucx/ucx_connector.h"
#include "transport/ucx/ucx_stream_server.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {
namespace {

constexpr char kMethod[] = "/baleen.v1.Expert/Exchange";
constexpr absl::Duration kPatience = absl::Seconds(60);

// One backend with one server on it.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual void Serve(AcceptFunction accept) = 0;
  virtual std::string address() const = 0;
  virtual std::string dead_address() const = 0;
  virtual Connector& connector() = 0;
  // The server goes away with its streams.
  virtual void StopServer() = 0;
};

class InprocBackend final : public Backend {
 public:
  explicit InprocBackend(StreamBounds bounds) : network_(bounds) {}
  void Serve(AcceptFunction accept) override { ASSERT_TRUE(network_.Listen("shard", kMethod, std::move(accept)).ok()); }
  std::string address() const override { return "shard"; }
  std::string dead_address() const override { return "nobody"; }
  Connector& connector() override { return network_; }
  void StopServer() override { network_.Kill("shard"); }

 private:
  InprocNetwork network_;
};

class GrpcBackend final : public Backend {
 public:
  explicit GrpcBackend(StreamBounds bounds) : bounds_(bounds), connector_(bounds) {}
  ~GrpcBackend() override { StopServer(); }

  void Serve(AcceptFunction accept) override {
    service_ = std::make_unique<Service>(std::move(accept), bounds_);
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);  // As the services do: clients ping several times a second.
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(service_.get());
    builder.SetMaxReceiveMessageSize(-1);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  std::string address() const override { return absl::StrCat("127.0.0.1:", port_); }
  // Port 1 is reserved and nothing listens on it.
  std::string dead_address() const override { return "127.0.0.1:1"; }
  Connector& connector() override { return connector_; }
  void StopServer() override {
    if (server_ == nullptr) return;
    service_->streams.Shutdown();
    server_->Shutdown();
    server_.reset();
  }

 private:
  struct Service final : v1::Expert::WithRawCallbackMethod_Exchange<v1::Expert::Service> {
    Service(AcceptFunction accept, StreamBounds bounds) : streams(std::move(accept), bounds) {}
    grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Exchange(grpc::CallbackServerContext* context) override {
      return streams.Accept(context);
    }
    GrpcStreamServer streams;
  };

  const StreamBounds bounds_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  GrpcConnector connector_;
};

// Two workers, as in two processes. A stream that falls back to gRPC finds nobody there, so that none does unnoticed.
class UcxBackend final : public Backend {
 public:
  UcxBackend(StreamBounds bounds, const std::string& devices)
      : bounds_(bounds),
        server_worker_(UcxWorker::Create({.devices = devices}).value()),
        client_worker_(UcxWorker::Create({.devices = devices}).value()),
        connector_(client_worker_.get(), &fallback_, {.bounds = bounds}) {}
  ~UcxBackend() override { StopServer(); }

  void Serve(AcceptFunction accept) override {
    streams_ = std::make_unique<UcxStreamServer>(server_worker_.get(), bounds_);
    streams_->Serve(kMethod, std::move(accept));
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);  // As the services do: clients ping several times a second.
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(streams_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  std::string address() const override { return absl::StrCat("127.0.0.1:", port_); }
  // Port 1 is reserved and nothing listens on it.
  std::string dead_address() const override { return "127.0.0.1:1"; }
  Connector& connector() override { return connector_; }
  void StopServer() override {
    if (server_ == nullptr) return;
    streams_->Shutdown();
    server_->Shutdown();
    server_.reset();
  }

 private:
  const StreamBounds bounds_;
  const std::unique_ptr<UcxWorker> server_worker_;
  const std::unique_ptr<UcxWorker> client_worker_;
  InprocNetwork fallback_;
  std::unique_ptr<UcxStreamServer> streams_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  UcxConnector connector_;
};

// Collects what one end sees.
class Recorder {
 public:
  StreamHandlers Handlers(std::function<void(const Message&)> also = nullptr) {
    return {.on_message =
                [this, also](Message message) {
                  if (also) also(message);
                  std::lock_guard lock(mu_);
                  EXPECT_EQ(closed_calls_, 0) << "a message after on_closed";
                  messages_.push_back(std::move(message));
                  changed_.notify_all();
                },
            .on_closed =
                [this](absl::Status status) {
                  std::lock_guard lock(mu_);
                  ++closed_calls_;
                  closed_ = std::move(status);
                  changed_.notify_all();
                }};
  }

  bool WaitForMessages(size_t count) {
    return Wait([&] { return messages_.size() >= count; });
  }
  bool WaitForClosed() {
    return Wait([&] { return closed_calls_ > 0; });
  }
  absl::Status closed() {
    std::lock_guard lock(mu_);
    return closed_;
  }
  int closed_calls() {
    std::lock_guard lock(mu_);
    return closed_calls_;
  }
  std::vector<Message> messages() {
    std::lock_guard lock(mu_);
    return messages_;
  }

 private:
  template <typename Predicate>
  bool Wait(Predicate predicate) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, absl::ToChronoSeconds(kPatience), predicate);
  }

  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<Message> messages_;
  absl::Status closed_;
  int closed_calls_ = 0;
};

class ConformanceTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Serves one stream at a time: what arrives is recorded and, unless `mute`, sent back.
  void Start(StreamBounds bounds = {}, bool echo = true) {
    const std::string name = GetParam();
    if (name == "inproc") {
      backend_ = std::make_unique<InprocBackend>(bounds);
    } else if (name == "grpc") {
      backend_ = std::make_unique<GrpcBackend>(bounds);
    } else {
      backend_ = std::make_unique<UcxBackend>(bounds, name == "ucx_tcp" ? "lo" : "sm");
    }
    backend_->Serve([this, echo](std::shared_ptr<Connection> connection) {
      served_ = connection;
      accepted_.Notify();
      return server_.Handlers([this, echo, connection](const Message& message) {
        if (block_ != nullptr) block_->WaitForNotification();
        if (echo) {
          EXPECT_TRUE(connection->Send(message).ok());
        }
      });
    });
  }

  std::shared_ptr<Connection> Connect() { return backend_->connector().Connect(backend_->address(), kMethod, client_.Handlers()); }

  Recorder client_;
  Recorder server_;
  std::shared_ptr<Connection> served_;
  absl::Notification accepted_;
  absl::Notification* block_ = nullptr;
  std::unique_ptr<Backend> backend_;
};

Message Text(const std::string& header) { return {header, {}}; }

TEST_P(ConformanceTest, MessagesArriveInOrderBothWays) {
  Start();
  const auto connection = Connect();
  constexpr int kCount = 300;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_TRUE(connection->Send({absl::StrCat("h", i), Payload::Own(std::vector<int32_t>(i % 7, i))}).ok());
  }
  ASSERT_TRUE(client_.WaitForMessages(kCount));
  const std::vector<Message> echoed = client_.messages();
  ASSERT_EQ(echoed.size(), static_cast<size_t>(kCount));
  for (int i = 0; i < kCount; ++i) {
    EXPECT_EQ(echoed[i].header, absl::StrCat("h", i));
    ASSERT_EQ(echoed[i].payload.size, (i % 7) * sizeof(int32_t));
    for (int j = 0; j < i % 7; ++j) {
      int32_t value = 0;
      std::memcpy(&value, echoed[i].payload.data + j * sizeof(value), sizeof(value));
      EXPECT_EQ(value, i);
    }
  }
}

TEST_P(ConformanceTest, BigPayloadsArriveWhole) {
  Start();
  const auto connection = Connect();
  std::vector<uint32_t> values(8 << 20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint32_t>(i * 2654435761u);
  ASSERT_TRUE(connection->Send({std::string(kMaxHeaderBytes, 'h'), Payload::Own(values)}).ok());
  ASSERT_TRUE(client_.WaitForMessages(1));
  const Message echoed = client_.messages().front();
  EXPECT_EQ(echoed.header, std::string(kMaxHeaderBytes, 'h'));
  ASSERT_EQ(echoed.payload.size, values.size() * sizeof(uint32_t));
  EXPECT_EQ(std::memcmp(echoed.payload.data, values.data(), echoed.payload.size), 0);
}

TEST_P(ConformanceTest, OversizeMessagesAreRefusedAndTheStreamLives) {
  Start();
  const auto connection = Connect();
  EXPECT_EQ(connection->Send(Text(std::string(kMaxHeaderBytes + 1, 'h'))).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(connection->Send({"h", Payload::Own(std::vector<char>(kMaxPayloadBytes + 1))}).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(connection->Send(Text("small")).ok());
  ASSERT_TRUE(client_.WaitForMessages(1));
}

TEST_P(ConformanceTest, CloseByTheClientEndsBoth) {
  Start();
  const auto connection = Connect();
  ASSERT_TRUE(connection->Send(Text("hello")).ok());
  ASSERT_TRUE(client_.WaitForMessages(1));
  connection->Close();
  connection->Close();
  ASSERT_TRUE(client_.WaitForClosed());
  ASSERT_TRUE(server_.WaitForClosed());
  EXPECT_EQ(client_.closed().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(server_.closed().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(connection->Send(Text("late")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(served_->Send(Text("late")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_.closed_calls(), 1);
  EXPECT_EQ(server_.closed_calls(), 1);
}

TEST_P(ConformanceTest, CloseByTheServerEndsBoth) {
  Start();
  const auto connection = Connect();
  ASSERT_TRUE(accepted_.WaitForNotificationWithTimeout(kPatience));
  served_->Close();
  served_->Close();
  ASSERT_TRUE(client_.WaitForClosed());
  ASSERT_TRUE(server_.WaitForClosed());
  EXPECT_EQ(client_.closed().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_.closed().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(connection->Send(Text("late")).code(), absl::StatusCode::kUnavailable);
}

TEST_P(ConformanceTest, CloseRightAfterConnect) {
  Start();
  for (int i = 0; i < 20; ++i) {
    Recorder recorder;
    absl::Notification closed;
    const auto connection =
        backend_->connector().Connect(backend_->dead_address(), kMethod, {nullptr, [&](absl::Status) { closed.Notify(); }});
    connection->Close();
    ASSERT_TRUE(closed.WaitForNotificationWithTimeout(kPatience));
  }
}

TEST_P(ConformanceTest, ServerThatStopsBreaksTheStream) {
  Start();
  const auto connection = Connect();
  ASSERT_TRUE(accepted_.WaitForNotificationWithTimeout(kPatience));
  backend_->StopServer();
  ASSERT_TRUE(client_.WaitForClosed());
  EXPECT_EQ(client_.closed().code(), absl::StatusCode::kUnavailable);
}

// More than a peer that does not read takes before the server stops.
TEST_P(ConformanceTest, ServerThatStopsSendsWhatItTook) {
  if (std::string(GetParam()) == "inproc") GTEST_SKIP() << "it stops as a process that dies";
  Start({}, /*echo=*/false);
  absl::Notification read;
  const auto connection =
      backend_->connector().Connect(backend_->address(), kMethod, client_.Handlers([&](const Message&) { read.WaitForNotification(); }));
  ASSERT_TRUE(accepted_.WaitForNotificationWithTimeout(kPatience));
  constexpr int kCount = 48;
  const Payload payload = Payload::Own(std::vector<char>(size_t{256} << 10));
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(served_->Send({absl::StrCat(i), payload}).ok());
  std::thread stop([this] { backend_->StopServer(); });
  while (served_->Send(Text("late")).code() != absl::StatusCode::kUnavailable) std::this_thread::yield();
  read.Notify();
  ASSERT_TRUE(client_.WaitForClosed());
  stop.join();
  EXPECT_EQ(client_.closed().code(), absl::StatusCode::kUnavailable);
  const std::vector<Message> messages = client_.messages();
  ASSERT_GE(messages.size(), static_cast<size_t>(kCount));
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(messages[i].header, absl::StrCat(i));
}

TEST_P(ConformanceTest, DeadAddressIsUnavailableSoon) {
  Start();
  const auto connection = backend_->connector().Connect(backend_->dead_address(), kMethod, client_.Handlers());
  (void)connection->Send(Text("to nobody"));
  ASSERT_TRUE(client_.WaitForClosed());
  EXPECT_EQ(client_.closed().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_.closed_calls(), 1);
  EXPECT_TRUE(client_.messages().empty());
  EXPECT_EQ(connection->Send(Text("late")).code(), absl::StatusCode::kUnavailable);
}

TEST_P(ConformanceTest, SendIsBoundedWhenThePeerDoesNotRead) {
  absl::Notification release;
  block_ = &release;
  Start({.messages = 4, .bytes = size_t{64} << 20}, /*echo=*/false);
  const auto connection = Connect();
  absl::Status last;
  // Flow control windows take some, the queue takes four, then Send refuses.
  int sent = 0;
  const Payload payload = Payload::Own(std::vector<char>(4 << 20));
  for (; sent < 64 && last.ok(); ++sent) last = connection->Send({"h", payload});
  EXPECT_EQ(last.code(), absl::StatusCode::kResourceExhausted) << sent;
  release.Notify();
  ASSERT_TRUE(server_.WaitForMessages(sent - 1));
  EXPECT_EQ(connection->Send({"h", {}}).code(), absl::StatusCode::kOk);
  ASSERT_TRUE(server_.WaitForMessages(sent));
}

TEST_P(ConformanceTest, BytesAreBounded) {
  absl::Notification release;
  block_ = &release;
  Start({.messages = 1000, .bytes = 1000}, /*echo=*/false);
  const auto connection = Connect();
  EXPECT_EQ(connection->Send({"h", Payload::Own(std::vector<char>(2000))}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(connection->Send({"h", Payload::Own(std::vector<char>(100))}).ok());
  release.Notify();
  EXPECT_TRUE(server_.WaitForMessages(1));
}

TEST_P(ConformanceTest, PayloadsAreReleased) {
  Start({}, /*echo=*/false);
  const auto connection = Connect();
  const auto bytes = std::make_shared<const std::vector<std::byte>>(1 << 16);
  ASSERT_TRUE(connection->Send({"h", {bytes, bytes->data(), bytes->size()}}).ok());
  ASSERT_TRUE(server_.WaitForMessages(1));
  connection->Close();
  ASSERT_TRUE(client_.WaitForClosed());
  ASSERT_TRUE(server_.WaitForClosed());
  if (std::string(GetParam()) == "grpc") {
    backend_.reset();
    EXPECT_EQ(bytes.use_count(), 1);
  }
}

TEST_P(ConformanceTest, ManyThreadsSend) {
  Start();
  const auto connection = Connect();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(connection->Send(Text(absl::StrCat(t, " ", i))).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(client_.WaitForMessages(400));
  int next[4] = {};
  for (const Message& message : client_.messages()) {
    const int thread = message.header[0] - '0';
    EXPECT_EQ(message.header, absl::StrCat(thread, " ", next[thread]++));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, ConformanceTest, ::testing::Values("inproc", "grpc", "ucx_sm", "ucx_tcp"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace baleen
