// A served baleen.v1.Inference for tests, without decode workers: each test brings its own.
#ifndef BALEEN_SERVICES_GATEWAY_GRPC_INFERENCE_FIXTURE_H_
#define BALEEN_SERVICES_GATEWAY_GRPC_INFERENCE_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/baleen/v1/inference.grpc.pb.h"
#include "services/common/call_guard.h"
#include "services/gateway/grpc_inference.h"
#include "services/gateway/idempotency/idempotent_answer.h"
#include "services/gateway/testing/scripted_decode.h"

namespace baleen {

class GrpcInferenceFixture : public testing::Test {
 protected:
  void SetUp() override {
    auto model = ServedModel::Load("checkpoints/abacus");
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    AddReadyWorker(&picker_);
  }
  void TearDown() override {
    if (server_ != nullptr) server_->Shutdown();
    // Before what a test's own class made for it.
    server_.reset();
    service_.reset();
  }

  std::vector<int32_t> Ids(const std::string& text) { return model_->tokenizer->Encode(text, AddedTokens::kMatch); }

  // What `options` leaves open is the fixture's.
  void Serve(DecodeDialer* decode, InferenceOptions options) {
    options.model = model_.get();
    options.generation = {model_->tokenizer.get(), decode, &picker_};
    options.probe = &probe_;
    options.idempotency = &idempotency_;
    service_ = MakeInferenceService(options);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    if (guard_) {
      std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
      interceptors.push_back(MakeCallGuard(guard_));
      builder.experimental().SetInterceptorCreators(std::move(interceptors));
    }
    server_ = builder.BuildAndStart();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // Windows that grow take in whole answers, read or not.
    channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::Inference::NewStub(channel_);
  }

  // All pieces of a call; its status must be `expected`.
  template <typename Response, typename Reader>
  std::vector<Response> ReadAll(Reader reader, grpc::StatusCode expected = grpc::StatusCode::OK) {
    std::vector<Response> all;
    Response response;
    while (reader->Read(&response)) all.push_back(response);
    last_status_ = reader->Finish();
    EXPECT_EQ(last_status_.error_code(), expected) << last_status_.error_message();
    return all;
  }

  static v1::GenerateRequest Question() {
    v1::GenerateRequest request;
    request.set_model("abacus");
    request.set_text("2+2");
    return request;
  }

  prometheus::Registry registry_;
  GatewayProbe probe_{registry_, "abacus"};
  WorkerPicker picker_;
  IdempotencyKeys idempotency_{IdempotencyLimits(), Clock::Real()};
  std::unique_ptr<ServedModel> model_;
  CallGuard guard_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Inference::Stub> stub_;
  grpc::Status last_status_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GRPC_INFERENCE_FIXTURE_H_
