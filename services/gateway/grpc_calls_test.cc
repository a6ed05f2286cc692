// Which calls count as under way.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "proto/baleen/v1/inference.grpc.pb.h"
#include "services/gateway/grpc_inference_fixture.h"
#include "services/gateway/testing/scripted_decode.h"
#include "services/gateway/text_pool/text_pool.h"

namespace baleen {
namespace {

class GrpcCallsTest : public GrpcInferenceFixture {
 protected:
  void Serve() {
    InferenceOptions options;
    options.texts = &texts_;
    options.calls = calls_;
    GrpcInferenceFixture::Serve(&decode_, options);
  }

  // The test's own time limit ends a wait for what never comes.
  void WaitForCalls(int count) const {
    while (*calls_ != count) std::this_thread::yield();
  }

  const std::shared_ptr<std::atomic<int>> calls_ = std::make_shared<std::atomic<int>>(0);
  TextPool texts_{{.threads = 1, .inline_bytes = 1}};
  ScriptedDecode decode_{{.tokens = {}, .silent = false}};
};

TEST_F(GrpcCallsTest, ACallCountsFromItsTextToItsEnd) {
  Serve();
  absl::Notification go;
  ASSERT_TRUE(texts_.Run("", 2, [&] { go.WaitForNotification(); }).ok());
  auto generate = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    return ReadAll<v1::GenerateResponse>(stub_->Generate(&context, Question())).size();
  });
  auto tokenize = std::async(std::launch::async, [&] {
    v1::TokenizeRequest request;
    request.set_model("abacus");
    request.set_text("2+2");
    v1::TokenizeResponse response;
    grpc::ClientContext context;
    return stub_->Tokenize(&context, request, &response);
  });
  WaitForCalls(2);
  go.Notify();
  EXPECT_GT(generate.get(), 0u);
  EXPECT_TRUE(tokenize.get().ok());
  WaitForCalls(0);
}

TEST_F(GrpcCallsTest, ARefusedCallCountsNoMore) {
  Serve();
  v1::GenerateRequest request = Question();
  request.set_model("another");
  grpc::ClientContext context;
  ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request), grpc::StatusCode::NOT_FOUND);
  WaitForCalls(0);
}

}  // namespace
}  // namespace baleen
