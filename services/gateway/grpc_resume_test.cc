#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "proto/baleen/v1/inference.grpc.pb.h"
#include "services/gateway/grpc_inference_fixture.h"
#include "services/gateway/testing/scripted_decode.h"
#include "services/gateway/testing/scripted_recall.h"
#include "services/gateway/testing/tenants.h"

namespace baleen {
namespace {

// What no connection may change of a response, by choice.
std::map<uint32_t, std::vector<std::string>> ByChoice(const std::vector<v1::GenerateResponse>& responses) {
  std::map<uint32_t, std::vector<std::string>> result;
  for (v1::GenerateResponse response : responses) {
    if (response.token_ids().empty() && response.finish_reason() == v1::FINISH_REASON_UNSPECIFIED) continue;  // The usage alone.
    response.clear_event_id();
    response.clear_usage();
    result[response.choice()].push_back(response.SerializeAsString());
  }
  return result;
}

class GrpcResumeTest : public GrpcInferenceFixture {
 protected:
  void Serve(const std::string& text) {
    decode_ = std::make_unique<ScriptedDecode>(DecodeScript{Ids(text)});
    recall_ = std::make_unique<ScriptedRecall>(decode_.get());
    finder_ = std::make_unique<RequestFinder>(recall_.get(), Clock::Real());
    AddDecodeWorker(finder_.get());
    InferenceOptions options;
    options.finder = finder_.get();
    options.tenants = tenants_.get();
    GrpcInferenceFixture::Serve(decode_.get(), options);
  }

  std::vector<v1::GenerateResponse> Begin(const v1::GenerateRequest& request, const std::string& key = "") {
    grpc::ClientContext context;
    context.AddMetadata("x-baleen-resumable", "1");
    if (!key.empty()) context.AddMetadata("authorization", key);
    return ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request));
  }

  std::vector<v1::GenerateResponse> Resume(const std::string& request_id, const std::string& last_event_id,
                                           grpc::StatusCode expected = grpc::StatusCode::OK, const std::string& key = "") {
    v1::GenerateRequest request;
    request.mutable_resume()->set_request_id(request_id);
    request.mutable_resume()->set_last_event_id(last_event_id);
    grpc::ClientContext context;
    if (!key.empty()) context.AddMetadata("authorization", key);
    return ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request), expected);
  }

  std::unique_ptr<TenantDirectory> tenants_;
  std::unique_ptr<ScriptedDecode> decode_;
  std::unique_ptr<ScriptedRecall> recall_;
  std::unique_ptr<RequestFinder> finder_;
};

TEST_F(GrpcResumeTest, TheRestIsExactWhereverTheGatewayDied) {
  Serve("One, two, three, four, five.");
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    v1::GenerateRequest request = Question();
    const uint32_t choices = 1 + random() % 3;
    request.mutable_options()->set_n(choices);
    if (random() % 2 == 0) request.mutable_options()->set_logprobs(1);
    const auto all = Begin(request);
    KeptTokens kept;
    for (uint32_t choice = random() % choices; choice < choices; ++choice) kept[choice] = random() % 20;
    recall_->Keep(kept);
    const size_t had = random() % (all.size() + 1);
    std::vector<v1::GenerateResponse> told(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(had));
    const auto rest = Resume(all[0].request_id(), told.empty() ? "" : told.back().event_id());
    told.insert(told.end(), rest.begin(), rest.end());
    EXPECT_EQ(ByChoice(told), ByChoice(all));
    EXPECT_EQ(told.back().usage().SerializeAsString(), all.back().usage().SerializeAsString());
    EXPECT_EQ(rest.empty(), had == all.size());
  }
}

TEST_F(GrpcResumeTest, OnlyWhatWasBegunSoIsTakenUp) {
  Serve("=4");
  recall_->Keep({{0, 1}});
  const std::string id = Begin(Question())[0].request_id();
  EXPECT_EQ(Resume(id, "0").size(), 2u);
  Resume(id, "0.1", grpc::StatusCode::INVALID_ARGUMENT);
  Resume(id, "first", grpc::StatusCode::INVALID_ARGUMENT);
  Resume("000102030405060708090a0b0c0d0e0f", "0", grpc::StatusCode::NOT_FOUND);
  Resume("mine", "0", grpc::StatusCode::NOT_FOUND);
  Resume(id, "0", grpc::StatusCode::NOT_FOUND, "Bearer another");
  v1::ChatRequest chat;
  chat.mutable_resume()->set_request_id(id);
  grpc::ClientContext other_method;
  ReadAll<v1::ChatResponse>(stub_->Chat(&other_method, chat), grpc::StatusCode::INVALID_ARGUMENT);
  v1::GenerateRequest both = Question();
  both.mutable_resume()->set_request_id(id);
  grpc::ClientContext two_requests;
  ReadAll<v1::GenerateResponse>(stub_->Generate(&two_requests, both), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(absl::StrContains(last_status_.error_message(), "resume"));
  grpc::ClientContext keyed;
  keyed.AddMetadata("x-baleen-resumable", "1");
  keyed.AddMetadata("idempotency-key", "k");
  ReadAll<v1::GenerateResponse>(stub_->Generate(&keyed, Question()), grpc::StatusCode::INVALID_ARGUMENT);
  grpc::ClientContext plain;
  for (const auto& response : ReadAll<v1::GenerateResponse>(stub_->Generate(&plain, Question()))) EXPECT_EQ(response.event_id(), "");
}

TEST_F(GrpcResumeTest, ARequestSentTwiceUnderOneIdIsOneAnswer) {
  Serve("=4");
  const auto seed = [&](char digit) {
    grpc::ClientContext context;
    context.AddMetadata("x-baleen-resumable", "1");
    context.AddMetadata("x-request-id", std::string(32, digit));
    ReadAll<v1::GenerateResponse>(stub_->Generate(&context, Question()));
    return decode_->starts().back().sampling().seed();
  };
  const uint64_t first = seed('a');
  EXPECT_EQ(seed('a'), first);
  EXPECT_NE(seed('b'), first);
}

TEST_F(GrpcResumeTest, NoLimitRefusesAResume) {
  TenantsFile file({TenantJson("acme", "key-a", R"("requests_per_min":1,"tokens_per_min":10000)")});
  tenants_ = file.Open();
  Serve("=4");
  const std::string key = "Bearer key-a";
  recall_->Keep({{0, 1}});
  const std::string id = Begin(Question(), key)[0].request_id();
  grpc::ClientContext context;
  context.AddMetadata("authorization", key);
  ReadAll<v1::GenerateResponse>(stub_->Generate(&context, Question()), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Resume(id, "0", grpc::StatusCode::OK, key).size(), 2u);
  TearDown();  // Before the tenants' file goes.
  tenants_.reset();
}

}  // namespace
}  // namespace baleen
