// What a peer that speaks garbage meets at either end.
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "proto/baleen/v1/expert.grpc.pb.h"
#include "transport/grpc/grpc_connector.h"
#include "transport/grpc/grpc_stream_server.h"

namespace baleen {
namespace {

using Raw = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

grpc::ByteBuffer Garbage() {
  const grpc::Slice slice(
      "\x0a\x7f"
      "short",
      7);
  return grpc::ByteBuffer(&slice, 1);
}

struct Service final : v1::Expert::WithRawCallbackMethod_Exchange<v1::Expert::Service> {
  explicit Service(std::function<Raw*(grpc::CallbackServerContext*)> serve) : serve(std::move(serve)) {}
  Raw* Exchange(grpc::CallbackServerContext* context) override { return serve(context); }
  const std::function<Raw*(grpc::CallbackServerContext*)> serve;
};

std::unique_ptr<grpc::Server> StartServer(Service* service, int* port) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), port);
  builder.RegisterService(service);
  return builder.BuildAndStart();
}

// Sends garbage and waits for the client to leave.
class GarbageSender final : public Raw {
 public:
  GarbageSender() {
    StartWrite(&garbage_);
    StartRead(&request_);
  }

 private:
  void OnReadDone(bool ok) override { Finish(grpc::Status::OK); }
  void OnDone() override { delete this; }
  const grpc::ByteBuffer garbage_ = Garbage();
  grpc::ByteBuffer request_;
};

TEST(MalformedFrameTest, ServerEndsTheStreamWithInvalidArgument) {
  absl::Notification closed;
  absl::Status status;
  GrpcStreamServer streams([&](std::shared_ptr<Connection>) {
    return StreamHandlers{[](Message) { ADD_FAILURE() << "garbage became a message"; },
                          [&](absl::Status end) {
                            status = std::move(end);
                            closed.Notify();
                          }};
  });
  Service service([&](grpc::CallbackServerContext* context) { return streams.Accept(context); });
  int port = 0;
  const auto server = StartServer(&service, &port);
  grpc::GenericStub stub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, "/baleen.v1.Expert/Exchange", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  call->Write(Garbage(), nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  grpc::Status end;
  call->Finish(&end, nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  EXPECT_EQ(end.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_TRUE(closed.WaitForNotificationWithTimeout(absl::Seconds(8)));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  streams.Shutdown();
  server->Shutdown();
}

TEST(MalformedFrameTest, ClientEndsTheStreamWithInvalidArgument) {
  Service service([](grpc::CallbackServerContext*) { return new GarbageSender; });
  int port = 0;
  const auto server = StartServer(&service, &port);
  absl::Notification closed;
  absl::Status status;
  {
    GrpcConnector connector;
    const auto connection = connector.Connect(absl::StrCat("127.0.0.1:", port), "/baleen.v1.Expert/Exchange",
                                              {[](Message) { ADD_FAILURE() << "garbage became a message"; },
                                               [&](absl::Status end) {
                                                 status = std::move(end);
                                                 closed.Notify();
                                               }});
    ASSERT_TRUE(closed.WaitForNotificationWithTimeout(absl::Seconds(8)));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  server->Shutdown();
}

}  // namespace
}  // namespace baleen
