#include "services/common/channel.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace baleen {
namespace {

// The third ping that comes too soon is one too many: by then a channel for the cluster's own processes would have sent it.
constexpr auto kLongEnough = std::chrono::seconds(12);

// Answers no call, and pings as often as gRPC's servers do by default.
class OutsideServer {
 public:
  OutsideServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~OutsideServer() { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  class Service final : public grpc::CallbackGenericService {
    grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override { return new Reactor; }
  };
  struct Reactor final : grpc::ServerGenericBidiReactor {
    void OnCancel() override { Finish(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }
  };
  Service service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// How a call ends that nobody answers for so long.
grpc::StatusCode EndOfAnUnansweredCall(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLongEnough);
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareUnaryCall(&context, "/outside.Service/Method", grpc::ByteBuffer(), &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status.error_code();
}

TEST(ChannelTest, AnOutsideServerIsNotPingedMoreOftenThanItTakes) {
  const OutsideServer server;
  EXPECT_EQ(EndOfAnUnansweredCall(MakeOutsideChannel(server.address(), grpc::InsecureChannelCredentials())),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST(ChannelTest, AnOutsideServerIsNotPingedAtRest) {
  const OutsideServer server;
  const std::shared_ptr<grpc::Channel> channel = MakeOutsideChannel(server.address(), grpc::InsecureChannelCredentials());
  ASSERT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::minutes(1)));
  EXPECT_FALSE(channel->WaitForStateChange(GRPC_CHANNEL_READY, std::chrono::system_clock::now() + kLongEnough));
}

}  // namespace
}  // namespace baleen
