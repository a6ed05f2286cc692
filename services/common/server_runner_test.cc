#include "services/common/server_runner.h"

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "prometheus/counter.h"
#include "services/common/channel.h"

namespace baleen {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

http::response<http::string_body> Get(int port, const std::string& path, http::verb verb = http::verb::get) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)});
  http::request<http::empty_body> request(verb, path, 11);
  request.keep_alive(false);
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.skip(verb == http::verb::head);
  http::read(socket, buffer, parser);
  return parser.release();
}

// Calls a method by name with raw protobuf bytes, so that the test needs no generated client.
std::string CallRaw(const std::string& address, const std::string& method, const std::string& request) {
  auto channel = MakeChannel(address, grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  context.set_wait_for_ready(true);
  grpc::Slice slice(request);
  grpc::ByteBuffer send(&slice, 1);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  auto stream = stub.PrepareCall(&context, method, &queue);
  stream->StartCall(nullptr);
  auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  std::string reply;
  grpc::ByteBuffer received;
  if (wait()) {
    stream->Write(send, nullptr);
    if (wait()) {
      stream->Read(&received, nullptr);
      if (wait()) {
        std::vector<grpc::Slice> slices;
        received.Dump(&slices);
        for (const auto& part : slices) reply.append(reinterpret_cast<const char*>(part.begin()), part.size());
      }
    }
  }
  context.TryCancel();
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
  return reply;
}

// Serving status of gRPC health as a raw HealthCheckResponse: field 1, varint 1 = SERVING, 2 = NOT_SERVING.
std::string Health(const std::string& address) { return CallRaw(address, "/grpc.health.v1.Health/Watch", ""); }

bool Becomes(const std::string& address, const std::string& status) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < deadline) {
    if (Health(address) == status) return true;
  }
  return false;
}

const std::string kServing("\x08\x01", 2);
const std::string kNotServing("\x08\x02", 2);

TEST(ServerRunnerTest, PagesTellTheTruth) {
  std::atomic<bool> ready{false};
  ServerRunner runner({.role = "test"});
  runner.SetReadiness([&] { return ready ? absl::OkStatus() : absl::UnavailableError("loading experts"); });
  ASSERT_TRUE(runner.Start({}).ok());
  auto& family = prometheus::BuildCounter().Name("baleen_test_total").Register(runner.metrics());
  family.Add({}).Increment(3);

  EXPECT_EQ(Get(runner.metrics_port(), "/livez").result_int(), 200u);
  const auto refused = Get(runner.metrics_port(), "/readyz");
  EXPECT_EQ(refused.result_int(), 503u);
  EXPECT_EQ(refused.body(), "loading experts\n");
  ready = true;
  EXPECT_EQ(Get(runner.metrics_port(), "/readyz").result_int(), 200u);
  EXPECT_TRUE(absl::StrContains(Get(runner.metrics_port(), "/metrics").body(), "baleen_test_total 3"));
  EXPECT_EQ(Get(runner.metrics_port(), "/metrics", http::verb::head).result_int(), 200u);
  EXPECT_EQ(Get(runner.metrics_port(), "/metrics", http::verb::post).result_int(), 405u);
  EXPECT_EQ(Get(runner.metrics_port(), "/other").result_int(), 404u);
}

TEST(ServerRunnerTest, HealthFollowsReadiness) {
  std::atomic<bool> ready{true};
  ServerRunner runner({.role = "test"});
  runner.SetReadiness([&] { return ready ? absl::OkStatus() : absl::UnavailableError("no"); });
  ASSERT_TRUE(runner.Start({}).ok());
  EXPECT_TRUE(Becomes(runner.address(), kServing));
  ready = false;
  EXPECT_TRUE(Becomes(runner.address(), kNotServing));
}

TEST(ServerRunnerTest, AdvertisedAddressIsNotTheOneBound) {
  ServerRunner runner({.role = "test", .bind = "0.0.0.0", .advertise = "127.0.0.1", .allow_plaintext = true});
  ASSERT_TRUE(runner.Start({}).ok());
  EXPECT_EQ(runner.address(), absl::StrCat("127.0.0.1:", runner.grpc_port()));
  EXPECT_TRUE(Becomes(runner.address(), kServing));
}

TEST(ServerRunnerTest, PlaintextStaysOnLoopback) {
  ServerRunner runner({.role = "test", .bind = "0.0.0.0"});
  EXPECT_EQ(runner.Start({}).message(),
            "--bind=0.0.0.0: others could reach the gRPC port without TLS; give it certificates, or --allow_plaintext where the network is "
            "trusted");
}

TEST(ServerRunnerTest, ReflectionListsServices) {
  ServerRunner runner({.role = "test"});
  ASSERT_TRUE(runner.Start({}).ok());
  // ServerReflectionRequest{list_services: ""}: field 7, length 0.
  const std::string reply =
      CallRaw(runner.address(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::string("\x3a\x00", 2));
  EXPECT_TRUE(absl::StrContains(reply, "grpc.reflection.v1alpha.ServerReflection")) << reply;
}

TEST(ServerRunnerTest, StopDrainsWhileNotReady) {
  ServerRunner runner({.role = "test", .drain_timeout = absl::Seconds(7)});
  ASSERT_TRUE(runner.Start({}).ok());
  const int port = runner.metrics_port();
  absl::Duration given;
  unsigned readyz = 0;
  runner.SetDrain([&](absl::Duration timeout) {
    given = timeout;
    readyz = Get(port, "/readyz").result_int();
  });
  EXPECT_EQ(Get(port, "/readyz").result_int(), 200u);
  runner.RequestStop();
  EXPECT_EQ(runner.RunUntilTerminated(), 0);
  EXPECT_EQ(given, absl::Seconds(7));
  EXPECT_EQ(readyz, 503u);
}

// A call that goes on for as long as its server lets it.
class HealthWatch {
 public:
  explicit HealthWatch(const std::string& address) : stub_(MakeChannel(address, grpc::InsecureChannelCredentials())) {
    stream_ = stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch", &queue_);
    stream_->StartCall(nullptr);
    Wait();
    grpc::Slice request;
    stream_->Write(grpc::ByteBuffer(&request, 1), nullptr);
    Wait();
  }
  ~HealthWatch() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // The next status that is another one; empty when the server ended the call.
  std::string Next() {
    const std::string last = status_;
    while (status_ == last) status_ = Read();
    return status_;
  }

 private:
  std::string Read() {
    grpc::ByteBuffer received;
    stream_->Read(&received, nullptr);
    if (!Wait()) return "";
    grpc::Slice reply;
    EXPECT_TRUE(received.DumpToSingleSlice(&reply).ok());
    return std::string(reinterpret_cast<const char*>(reply.begin()), reply.size());
  }

  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  std::string status_ = "none";
};

bool TakesConnections(int port) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)}, error);
  return !error;
}

TEST(ServerRunnerTest, CallsUnderWayOutliveTheLastThatIsAccepted) {
  std::atomic<bool> ready{true};
  ServerRunner runner({.role = "test"});
  runner.SetReadiness([&] { return ready ? absl::OkStatus() : absl::UnavailableError("no"); });
  ASSERT_TRUE(runner.Start({}).ok());
  ASSERT_TRUE(Becomes(runner.address(), kServing));
  HealthWatch watch(runner.address());
  EXPECT_EQ(watch.Next(), kServing);
  runner.StopAccepting();
  runner.StopAccepting();
  while (TakesConnections(runner.grpc_port())) std::this_thread::yield();
  ready = false;
  EXPECT_EQ(watch.Next(), kNotServing);
  runner.Stop();
  EXPECT_EQ(watch.Next(), "");
}

TEST(ServerRunnerTest, SigtermStops) {
  ServerRunner runner({.role = "test"});
  ASSERT_TRUE(runner.Start({}).ok());
  std::thread sender([] { ::kill(::getpid(), SIGTERM); });
  EXPECT_EQ(runner.RunUntilTerminated(), 0);
  sender.join();
}

TEST(ServerRunnerTest, TakenPortsAreNamed) {
  ServerRunner first({.role = "test"});
  ASSERT_TRUE(first.Start({}).ok());
  ServerRunner same_grpc({.role = "test", .grpc_port = first.grpc_port()});
  const absl::Status grpc_status = same_grpc.Start({});
  EXPECT_TRUE(absl::StrContains(grpc_status.message(), absl::StrCat("gRPC on 127.0.0.1:", first.grpc_port()))) << grpc_status;
  ServerRunner same_http({.role = "test", .metrics_port = first.metrics_port()});
  const absl::Status http_status = same_http.Start({});
  EXPECT_TRUE(absl::StrContains(http_status.message(), absl::StrCat("HTTP on 127.0.0.1:", first.metrics_port()))) << http_status;
}

}  // namespace
}  // namespace baleen
