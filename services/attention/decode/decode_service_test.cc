// Decode.Run over real gRPC on a fake network.
#include "services/attention/decode/decode_service.h"

#include <grpcpp/grpcpp.h>
#include <prometheus/registry.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/attention/probe.h"
#include "services/attention/worker/fake_step_runner.h"
#include "services/attention/worker/step_loop.h"

namespace baleen {
namespace {

StepLoopOptions LoopOptions() {
  StepLoopOptions options;
  options.tokenizer_size = FakeStepRunner::kVocab;
  return options;
}

class DecodeServiceTest : public testing::Test {
 protected:
  DecodeServiceTest()
      : pool_(FakeStepRunner::kShape, 64 * FakeStepRunner::kShape.BlockBytes()),
        probe_(registry_),
        loop_(LoopOptions(), &runner_, &pool_, nullptr, &probe_, Clock::Real()),
        service_({.tokenizer_size = FakeStepRunner::kVocab, .max_positions = 4096, .eos_ids = {}, .numerics_id = "n"}, &loop_,
                 Clock::Real(), &resume_) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::Decode::NewStub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~DecodeServiceTest() override {
    loop_.Stop();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  static v1::DecodeCommand Start(uint32_t max_tokens) {
    v1::DecodeCommand command;
    v1::StartSequence& start = *command.mutable_start();
    start.mutable_context()->set_request_id(std::string(16, 'r'));
    for (uint32_t i = 0; i < 20; ++i) start.add_prompt(i * 3);
    start.mutable_sampling()->set_top_p(1);
    start.mutable_stop()->set_max_tokens(max_tokens);
    return command;
  }
  v1::RecallReply Recalled(const std::string& owner = "") {
    grpc::ClientContext context;
    v1::RecallRequest request;
    request.set_request_id(std::string(16, 'r'));
    request.set_owner(owner);
    v1::RecallReply reply;
    EXPECT_TRUE(stub_->Recall(&context, request, &reply).ok());
    return reply;
  }
  static std::vector<int32_t> Prompt() {
    const v1::DecodeCommand command = Start(1);
    return {command.start().prompt().begin(), command.start().prompt().end()};
  }

  prometheus::Registry registry_;
  BlockPool pool_;
  AttentionProbe probe_;
  FakeStepRunner runner_;
  ResumeTable resume_{{}, Clock::Real()};
  StepLoop loop_;
  DecodeService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Decode::Stub> stub_;
};

TEST_F(DecodeServiceTest, StreamsTokensInOrderThenFinishes) {
  grpc::ClientContext context;
  auto stream = stub_->Run(&context);
  ASSERT_TRUE(stream->Write(Start(300)));
  ASSERT_TRUE(stream->WritesDone());
  v1::DecodeEvent event;
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_TRUE(event.has_accepted());
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_TRUE(event.has_admitted());
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.prefilled().prompt_cache_miss_tokens(), 20u);
  std::vector<int32_t> tokens;
  while (stream->Read(&event) && event.has_token()) {
    EXPECT_EQ(event.token().index(), tokens.size());
    tokens.push_back(static_cast<int32_t>(event.token().token()));
  }
  EXPECT_EQ(event.finish().reason(), v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(event.finish().numerics_id(), "n");
  EXPECT_FALSE(stream->Read(&event));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(tokens, FakeStepRunner::Continue(Prompt(), 300));
}

TEST_F(DecodeServiceTest, CancelEndsTheStreamAndFreesKv) {
  grpc::ClientContext context;
  auto stream = stub_->Run(&context);
  ASSERT_TRUE(stream->Write(Start(4000)));
  v1::DecodeEvent event;
  ASSERT_TRUE(stream->Read(&event));
  v1::DecodeCommand cancel;
  cancel.mutable_cancel();
  ASSERT_TRUE(stream->Write(cancel));
  while (stream->Read(&event)) EXPECT_FALSE(event.has_finish());
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(loop_.WaitIdle(absl::Seconds(5)));
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(DecodeServiceTest, AWorkerThatLeavesIsNoBrokenConnection) {
  grpc::ClientContext context;
  auto stream = stub_->Run(&context);
  ASSERT_TRUE(stream->Write(Start(4000)));
  v1::DecodeEvent event;
  ASSERT_TRUE(stream->Read(&event));
  loop_.Stop();
  while (stream->Read(&event)) EXPECT_FALSE(event.has_finish());
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(DecodeServiceTest, BrokenStreamFreesKv) {
  {
    grpc::ClientContext context;
    auto stream = stub_->Run(&context);
    ASSERT_TRUE(stream->Write(Start(4000)));
    v1::DecodeEvent event;
    ASSERT_TRUE(stream->Read(&event));
    context.TryCancel();
    while (stream->Read(&event)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(loop_.WaitIdle(absl::Seconds(5)));
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(DecodeServiceTest, RecallTakesARunningRequestAwayWithItsTokens) {
  v1::DecodeCommand start = Start(4000);
  start.mutable_start()->set_edge("edge");
  grpc::ClientContext context;
  auto stream = stub_->Run(&context);
  ASSERT_TRUE(stream->Write(start));
  v1::DecodeEvent event;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(stream->Read(&event));
  const v1::RecallReply reply = Recalled();
  ASSERT_EQ(reply.sequences_size(), 1);
  EXPECT_EQ(reply.sequences(0).edge(), "edge");
  EXPECT_EQ(reply.sequences(0).numerics_id(), "n");
  const std::vector<int32_t> tokens(reply.sequences(0).generated().begin(), reply.sequences(0).generated().end());
  EXPECT_GE(tokens.size(), 3u);
  EXPECT_EQ(tokens, FakeStepRunner::Continue(Prompt(), static_cast<int>(tokens.size())));
  while (stream->Read(&event)) EXPECT_FALSE(event.has_finish());
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(loop_.WaitIdle(absl::Seconds(5)));
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(DecodeServiceTest, RecallByAnotherOwnerFindsNothingAndStopsNothing) {
  v1::DecodeCommand start = Start(300);
  start.mutable_start()->set_edge("edge");
  start.mutable_start()->set_owner("owner");
  grpc::ClientContext context;
  auto stream = stub_->Run(&context);
  ASSERT_TRUE(stream->Write(start));
  v1::DecodeEvent event;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(Recalled("other").sequences_size(), 0);
  EXPECT_EQ(Recalled().sequences_size(), 0);
  while (stream->Read(&event) && event.has_token()) {
  }
  EXPECT_EQ(event.finish().reason(), v1::FINISH_REASON_LENGTH);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(Recalled("owner").sequences_size(), 1);
}

TEST_F(DecodeServiceTest, ABrokenStreamIsRecalledAndACancelledOneIsNot) {
  for (const bool cancels : {false, true}) {
    v1::DecodeCommand start = Start(4000);
    start.mutable_start()->set_edge("edge");
    start.mutable_start()->mutable_context()->set_attempt(cancels ? 2 : 1);
    grpc::ClientContext context;
    auto stream = stub_->Run(&context);
    ASSERT_TRUE(stream->Write(start));
    v1::DecodeEvent event;
    ASSERT_TRUE(stream->Read(&event));
    v1::DecodeCommand cancel;
    cancel.mutable_cancel();
    EXPECT_TRUE(!cancels || stream->Write(cancel));
    if (!cancels) context.TryCancel();
    while (stream->Read(&event)) {
    }
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(loop_.WaitIdle(absl::Seconds(5)));
    EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
    EXPECT_EQ(Recalled().sequences_size(), cancels ? 0 : 1);
  }
}

TEST_F(DecodeServiceTest, BadStartIsRefusedWithTheReason) {
  const auto refused = [&](const v1::DecodeCommand& command) {
    grpc::ClientContext context;
    auto stream = stub_->Run(&context);
    stream->Write(command);
    stream->WritesDone();
    v1::DecodeEvent event;
    EXPECT_FALSE(stream->Read(&event));
    return stream->Finish();
  };
  v1::DecodeCommand command = Start(5);
  command.mutable_start()->mutable_sampling()->set_top_p(2);
  EXPECT_EQ(refused(command).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(refused({}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  command = Start(5);
  command.mutable_start()->mutable_context()->set_numerics_id("x");
  EXPECT_EQ(refused(command).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  loop_.StopAdmitting();
  EXPECT_EQ(refused(Start(5)).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace baleen
