#include "services/gateway/grpc_inference.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "proto/baleen/v1/inference.grpc.pb.h"
#include "services/gateway/grpc_inference_fixture.h"
#include "services/gateway/tenants/tenant_directory.h"
#include "services/gateway/testing/scripted_decode.h"
#include "services/gateway/testing/tenants.h"
#include "services/gateway/text_pool/text_pool.h"

namespace baleen {
namespace {

// A decode worker that says a token whenever it is told to, and knows whether it was asked to wait.
class PausableDecode final : public DecodeDialer {
 public:
  std::shared_ptr<DecodeStream> Open(const std::string&, v1::StartSequence, DecodeCallbacks callbacks) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    callbacks_ = std::move(callbacks);
    changed_.notify_all();
    return std::make_shared<Stream>(this);
  }

  bool WaitUntilOpen() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return callbacks_.on_event != nullptr; });
  }

  bool WaitUntilPaused(bool paused) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this, paused] { return paused_ == paused; });
  }

  void SayToken(int32_t token) {
    v1::DecodeEvent event;
    event.mutable_token()->set_index(said_++);
    event.mutable_token()->set_token(static_cast<uint32_t>(token));
    callbacks_.on_event(event);
  }

  void Finish() {
    v1::DecodeEvent event;
    event.mutable_finish()->set_reason(v1::FINISH_REASON_STOP);
    callbacks_.on_event(event);
    std::exchange(callbacks_, {}).on_done(absl::OkStatus());
  }

 private:
  class Stream final : public DecodeStream {
   public:
    explicit Stream(PausableDecode* decode) : decode_(decode) {}
    void Cancel() override {}
    void Pause(bool paused) override {
      const std::lock_guard<std::mutex> lock(decode_->mutex_);
      decode_->paused_ = paused;
      decode_->changed_.notify_all();
    }

   private:
    PausableDecode* const decode_;
  };

  static constexpr auto kPatience = std::chrono::seconds(30);
  std::mutex mutex_;
  std::condition_variable changed_;
  DecodeCallbacks callbacks_;
  bool paused_ = false;
  uint32_t said_ = 0;
};

class GrpcInferenceTest : public GrpcInferenceFixture {
 protected:
  void Serve(DecodeScript script) {
    decode_ = std::make_unique<ScriptedDecode>(std::move(script));
    Serve(decode_.get());
  }

  void Serve(DecodeDialer* decode) {
    InferenceOptions options;
    options.tenants = tenants_.get();
    options.texts = &texts_;
    GrpcInferenceFixture::Serve(decode, options);
  }

  TextPool texts_;
  std::unique_ptr<TenantDirectory> tenants_;
  std::unique_ptr<ScriptedDecode> decode_;
};

TEST_F(GrpcInferenceTest, StreamsACompletionAndEndsWithUsage) {
  Serve({Ids("=4"), v1::FINISH_REASON_LENGTH, 2});
  v1::GenerateRequest request = Question();
  request.mutable_options()->set_logprobs(0);
  grpc::ClientContext context;
  const auto pieces = ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request));
  ASSERT_GE(pieces.size(), 2u);
  std::string text;
  int tokens = 0;
  for (const auto& piece : pieces) {
    text += piece.text();
    tokens += piece.token_ids_size();
    EXPECT_EQ(piece.token_ids_size(), piece.logprobs_size());
    EXPECT_EQ(piece.request_id(), pieces[0].request_id());
  }
  EXPECT_EQ(text, "=4");
  EXPECT_EQ(tokens, 2);
  EXPECT_EQ(pieces.back().finish_reason(), v1::FINISH_REASON_LENGTH);
  EXPECT_EQ(pieces.back().numerics_id(), "n1");
  EXPECT_EQ(pieces.back().usage().completion_tokens(), 2u);
  EXPECT_EQ(pieces.back().usage().prompt_cache_hit_tokens(), 2u);
  EXPECT_EQ(pieces.back().usage().prompt_cache_hit_tokens() + pieces.back().usage().prompt_cache_miss_tokens(),
            pieces.back().usage().prompt_tokens());
}

TEST_F(GrpcInferenceTest, ASlowReaderHoldsItsWorkerBack) {
  constexpr int kTokens = 20000;  // Far more than gRPC sends ahead of a reader.
  PausableDecode decode;
  Serve(&decode);
  grpc::ClientContext context;
  const auto reader = stub_->Generate(&context, Question());
  ASSERT_TRUE(decode.WaitUntilOpen());
  const int32_t token = Ids("4").at(0);
  // All of them: a pause before gRPC's windows are full would end again without a reader.
  for (int said = 0; said < kTokens; ++said) decode.SayToken(token);
  ASSERT_TRUE(decode.WaitUntilPaused(true));
  auto read = std::async(std::launch::async, [&] {
    int tokens = 0;
    for (v1::GenerateResponse response; reader->Read(&response);) tokens += response.token_ids_size();
    return tokens;
  });
  EXPECT_TRUE(decode.WaitUntilPaused(false));
  decode.Finish();
  EXPECT_EQ(read.get(), kTokens);
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(GrpcInferenceTest, ChatSplitsReasoningFromContent) {
  Serve({Ids("hm\n</think>\n\n4")});
  v1::ChatRequest request;
  request.set_model("abacus");
  request.add_messages()->set_role("user");
  request.mutable_messages(0)->set_content("2+2");
  grpc::ClientContext context;
  std::string reasoning, content;
  for (const auto& piece : ReadAll<v1::ChatResponse>(stub_->Chat(&context, request))) {
    reasoning += piece.reasoning_content();
    content += piece.content();
  }
  EXPECT_EQ(reasoning, "hm");
  EXPECT_EQ(content, "4");
}

TEST_F(GrpcInferenceTest, CallersWithDifferentKeysShareNoCache) {
  Serve({Ids("4")});
  for (const char* key : {"Bearer a", "Bearer b", "Bearer a"}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", key);
    ReadAll<v1::GenerateResponse>(stub_->Generate(&context, Question()));
  }
  const std::vector<v1::StartSequence> starts = decode_->starts();
  ASSERT_EQ(starts.size(), 3u);
  EXPECT_FALSE(starts[0].cache_salt().empty());
  EXPECT_NE(starts[0].cache_salt(), starts[1].cache_salt());
  EXPECT_EQ(starts[0].cache_salt(), starts[2].cache_salt());
}

TEST_F(GrpcInferenceTest, OptionsReachTheWorker) {
  Serve({Ids("4")});
  v1::GenerateRequest request = Question();
  v1::GenerationOptions& options = *request.mutable_options();
  options.set_temperature(0.5f);
  options.set_top_p(0.25f);
  options.set_top_k(7);
  options.set_seed(11);
  options.set_max_tokens(9);
  options.set_min_tokens(3);
  options.set_ignore_eos(true);
  options.set_min_p(0.125f);
  options.set_presence_penalty(1);
  options.set_frequency_penalty(-1);
  options.set_repetition_penalty(2);
  (*options.mutable_logit_bias())[9] = 3;
  options.set_n(2);
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", std::string(32, 'a'));
  EXPECT_EQ(ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request)).at(0).request_id(), std::string(32, 'a'));
  ASSERT_EQ(decode_->starts().size(), 2u);
  const v1::StartSequence start = decode_->starts()[0];
  EXPECT_EQ(start.context().request_id(), std::string(16, '\xaa'));
  EXPECT_EQ(start.sampling().temperature(), 0.5f);
  EXPECT_EQ(start.sampling().top_p(), 0.25f);
  EXPECT_EQ(start.sampling().top_k(), 7u);
  EXPECT_EQ(start.sampling().seed(), 11u);
  EXPECT_EQ(start.sampling().min_p(), 0.125f);
  EXPECT_EQ(start.sampling().presence_penalty(), 1);
  EXPECT_EQ(start.sampling().frequency_penalty(), -1);
  EXPECT_EQ(start.sampling().repetition_penalty(), 2);
  EXPECT_EQ(start.sampling().logit_bias(0).token(), 9u);
  EXPECT_EQ(start.stop().max_tokens(), 9u);
  EXPECT_EQ(start.stop().min_tokens(), 3u);
  EXPECT_TRUE(start.stop().ignore_eos());
}

TEST_F(GrpcInferenceTest, ChoicesEchoAndAlternatives) {
  Serve({Ids("=4")});
  v1::GenerateRequest request = Question();
  request.mutable_options()->set_n(2);
  request.set_echo(true);
  grpc::ClientContext context;
  std::vector<std::string> texts(2);
  int usages = 0;
  for (const auto& piece : ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request))) {
    texts.at(piece.choice()) += piece.text();
    usages += piece.has_usage();
    EXPECT_EQ(piece.logprobs_size(), 0);
  }
  EXPECT_EQ(texts, (std::vector<std::string>(2, "2+2=4")));
  EXPECT_EQ(usages, 1);
  request.set_echo(false);
  request.mutable_options()->set_logprobs(2);
  grpc::ClientContext second;
  for (const auto& piece : ReadAll<v1::GenerateResponse>(stub_->Generate(&second, request))) {
    ASSERT_EQ(piece.top_logprobs_size(), piece.token_ids_size());
    for (const v1::TopLogprobs& top : piece.top_logprobs()) EXPECT_EQ(top.top_size(), 2);
  }
}

TEST_F(GrpcInferenceTest, ADevelopersMessageIsASystemMessage) {
  Serve({Ids("4")});
  const auto prompt_under = [&](const char* role) {
    v1::ChatRequest request;
    request.set_model("abacus");
    for (const auto& [name, content] : {std::pair(role, "Be brief."), std::pair("user", "2+2")}) {
      request.add_messages()->set_role(name);
      request.mutable_messages()->rbegin()->set_content(content);
    }
    grpc::ClientContext context;
    ReadAll<v1::ChatResponse>(stub_->Chat(&context, request));
    const v1::StartSequence start = decode_->starts().back();
    return std::vector<uint32_t>(start.prompt().begin(), start.prompt().end());
  };
  EXPECT_EQ(prompt_under("developer"), prompt_under("system"));
}

TEST_F(GrpcInferenceTest, ASingleCallEndsTheAnswer) {
  const std::string call = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{}\n```<｜tool▁call▁end｜>";
  Serve({Ids("</think><｜tool▁calls▁begin｜>" + call + call + "<｜tool▁calls▁end｜>")});
  for (const bool single : {true, false}) {
    v1::ChatRequest request;
    request.set_model("abacus");
    request.add_messages()->set_role("user");
    request.add_tools()->set_name("add");
    request.set_single_tool_call(single);
    grpc::ClientContext context;
    std::string names;
    v1::FinishReason finish = v1::FINISH_REASON_UNSPECIFIED;
    for (const auto& piece : ReadAll<v1::ChatResponse>(stub_->Chat(&context, request))) {
      for (const v1::ToolCallDelta& delta : piece.tool_calls()) names += delta.name();
      finish = piece.finish_reason();
    }
    EXPECT_EQ(names, single ? "add" : "addadd");
    EXPECT_EQ(finish, v1::FINISH_REASON_TOOL_CALLS);
  }
}

TEST_F(GrpcInferenceTest, ToolsAreCalled) {
  Serve(
      {Ids("</"
           "think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{}\n```<｜tool▁call▁end｜><"
           "｜tool▁calls▁end｜>")});
  v1::ChatRequest request;
  request.set_model("abacus");
  request.add_messages()->set_role("user");
  request.add_tools()->set_name("add");
  request.set_tool_choice_name("add");
  grpc::ClientContext context;
  std::string name, arguments;
  v1::FinishReason finish = v1::FINISH_REASON_UNSPECIFIED;
  for (const auto& piece : ReadAll<v1::ChatResponse>(stub_->Chat(&context, request))) {
    for (const v1::ToolCallDelta& call : piece.tool_calls()) {
      name += call.name();
      arguments += call.arguments();
      EXPECT_EQ(call.id().empty(), call.name().empty());
    }
    finish = piece.finish_reason();
  }
  EXPECT_EQ(name, "add");
  EXPECT_EQ(arguments, "{}");
  EXPECT_EQ(finish, v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(decode_->starts().at(0).sampling().grammar().alternatives_size(), 1);
  request.set_tool_choice_name("other");
  grpc::ClientContext second;
  ReadAll<v1::ChatResponse>(stub_->Chat(&second, request), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcInferenceTest, RefusalsAreStatusesWithASentence) {
  Serve({Ids("4")});
  const std::vector<std::pair<std::function<void(v1::GenerateRequest*)>, std::string>> cases = {
      {[](v1::GenerateRequest* r) { r->mutable_options()->set_temperature(3); }, "temperature"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->set_temperature(std::nanf("")); }, "temperature"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->set_top_p(-0.1f); }, "top_p"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->set_max_tokens(0); }, "max_tokens"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->set_logprobs(21); }, "logprobs"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->add_stop(""); }, "stop"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->set_n(17); }, "'n'"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->set_user(std::string(513, 'u')); }, "'user'"},
      {[](v1::GenerateRequest* r) { r->set_text(std::string(1 << 20, 'a')); }, "has at least"},
      {[](v1::GenerateRequest* r) { (*r->mutable_options()->mutable_logit_bias())[0xffffffffu] = 1; }, "logit_bias"},
      {[](v1::GenerateRequest* r) { (*r->mutable_options()->mutable_logit_bias())[1] = std::nanf(""); }, "logit_bias"},
      {[](v1::GenerateRequest* r) { r->mutable_options()->mutable_response_format()->set_json_schema("{"); }, "schema"},
      {[](v1::GenerateRequest* r) { r->mutable_token_ids()->add_ids(0xffffffffu); }, "token id"},
  };
  for (const auto& [spoil, word] : cases) {
    v1::GenerateRequest request = Question();
    spoil(&request);
    grpc::ClientContext context;
    ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(absl::StrContains(last_status_.error_message(), word)) << last_status_.error_message();
  }
  v1::GenerateRequest other = Question();
  other.set_model("gpt");
  grpc::ClientContext context;
  ReadAll<v1::GenerateResponse>(stub_->Generate(&context, other), grpc::StatusCode::NOT_FOUND);
  v1::GenerateRequest without_prompt;
  without_prompt.set_model("abacus");
  grpc::ClientContext second;
  ReadAll<v1::GenerateResponse>(stub_->Generate(&second, without_prompt), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(last_status_.error_message(), "'prompt' is required.");
  EXPECT_TRUE(decode_->starts().empty());
}

TEST_F(GrpcInferenceTest, ALongQuoteIsCutAndKeepsItsStatus) {
  Serve({Ids("4")});
  std::string smileys;
  while (smileys.size() < 100000) smileys += "\U0001F600";
  for (const std::string& model : {std::string(100000, 'm'), smileys}) {
    v1::GenerateRequest request = Question();
    request.set_model(model);
    grpc::ClientContext context;
    ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request), grpc::StatusCode::NOT_FOUND);
    EXPECT_TRUE(absl::StrContains(last_status_.error_message(), "this server has 'abacus'")) << last_status_.error_message();
    v1::TokenizeRequest tokenize;
    tokenize.set_model(model);
    grpc::ClientContext second;
    v1::TokenizeResponse tokens;
    EXPECT_EQ(stub_->Tokenize(&second, tokenize, &tokens).error_code(), grpc::StatusCode::NOT_FOUND);
  }
  v1::GenerateRequest schema = Question();
  schema.mutable_options()->mutable_response_format()->set_json_schema("{\"$ref\": \"#/" + std::string(20000, 'r') + "\"}");
  grpc::ClientContext context;
  ReadAll<v1::GenerateResponse>(stub_->Generate(&context, schema), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcInferenceTest, CancellingFreesTheSequence) {
  DecodeScript waits;
  waits.silent = true;
  Serve(waits);
  grpc::ClientContext context;
  auto reader = stub_->Generate(&context, Question());
  ASSERT_TRUE(decode_->WaitForStart());
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  server_->Shutdown();  // Waits for the call's reactor.
  EXPECT_EQ(decode_->cancelled(), 1);
}

TEST_F(GrpcInferenceTest, TokenizesAndListsModels) {
  Serve({Ids("4")});
  v1::TokenizeRequest request;
  request.set_model("abacus");
  request.set_text("12");
  v1::TokenizeResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->Tokenize(&context, request, &response).ok());
  EXPECT_EQ(response.ids_size(), 2);
  v1::DetokenizeRequest back;
  back.set_model("abacus");
  *back.mutable_ids() = response.ids();
  v1::DetokenizeResponse text;
  grpc::ClientContext third;
  ASSERT_TRUE(stub_->Detokenize(&third, back, &text).ok());
  EXPECT_EQ(text.text(), "12");
  back.add_ids(1 << 30);
  grpc::ClientContext fourth;
  EXPECT_EQ(stub_->Detokenize(&fourth, back, &text).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_add_special_tokens(true);
  grpc::ClientContext fifth;
  ASSERT_TRUE(stub_->Tokenize(&fifth, request, &response).ok());
  ASSERT_EQ(response.ids_size(), 3);
  EXPECT_EQ(response.ids(0), static_cast<uint32_t>(model_->bos_token_id));
  v1::ListModelsResponse models;
  grpc::ClientContext second;
  ASSERT_TRUE(stub_->ListModels(&second, {}, &models).ok());
  ASSERT_EQ(models.ids_size(), 1);
  EXPECT_EQ(models.ids(0), "abacus");
  ASSERT_EQ(models.models_size(), 1);
  EXPECT_EQ(models.models(0).max_model_len(), static_cast<uint32_t>(model_->max_position_embeddings));
  EXPECT_EQ(models.models(0).thinking(), "always");
}

TEST_F(GrpcInferenceTest, LongTextsAreAnsweredToo) {
  Serve({Ids("4")});
  const std::string text(100 << 10, '1');
  v1::TokenizeRequest request;
  request.set_model("abacus");
  request.set_text(text);
  v1::TokenizeResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->Tokenize(&context, request, &response).ok());
  EXPECT_GT(response.ids_size(), 1000);
  v1::GenerateRequest generate = Question();
  generate.mutable_options()->set_user("u");
  (*generate.mutable_options()->mutable_logit_bias())[1] = 1;
  for (int i = 0; i < 1000; ++i) generate.mutable_options()->add_stop("no more than sixteen");
  grpc::ClientContext second;
  ReadAll<v1::GenerateResponse>(stub_->Generate(&second, generate), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcInferenceTest, ARepeatUnderAnIdempotencyKeyIsTheSameAnswer) {
  Serve({Ids("=4")});
  v1::GenerateRequest request = Question();
  (*request.mutable_options()->mutable_logit_bias())[1] = 1;
  (*request.mutable_options()->mutable_logit_bias())[2] = 1;
  const auto ask = [&](const std::string& key, grpc::StatusCode expected = grpc::StatusCode::OK) {
    grpc::ClientContext context;
    context.AddMetadata("idempotency-key", key);
    const auto pieces = ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request), expected);
    return pieces.empty() ? "" : pieces.back().request_id();
  };
  const std::string first = ask("k");
  EXPECT_EQ(ask("k"), first);
  EXPECT_NE(ask("l"), first);
  const std::vector<v1::StartSequence> starts = decode_->starts();
  ASSERT_EQ(starts.size(), 3u);
  EXPECT_EQ(starts[0].sampling().seed(), starts[1].sampling().seed());
  EXPECT_NE(starts[0].sampling().seed(), starts[2].sampling().seed());
  EXPECT_NE(starts[0].context().request_id(), starts[1].context().request_id());
  request.set_echo(true);
  ask("k", grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(GrpcInferenceTest, AnIdempotencyKeyIsFreeAgainWhenItsClientHasLeft) {
  DecodeScript waits;
  waits.silent = true;
  Serve(waits);
  const auto ask = [&](grpc::ClientContext* context) {
    context->AddMetadata("idempotency-key", "k");
    return stub_->Generate(context, Question());
  };
  grpc::ClientContext first;
  auto reader = ask(&first);
  ASSERT_TRUE(decode_->WaitForStart());
  grpc::ClientContext twin;
  ReadAll<v1::GenerateResponse>(ask(&twin), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(absl::StrContains(last_status_.error_details(), "idempotency_key_in_use"));
  first.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  // The server hears of it a little later.
  grpc::StatusCode code = grpc::StatusCode::ABORTED;
  while (code == grpc::StatusCode::ABORTED) {
    grpc::ClientContext next;
    next.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
    auto repeat = ask(&next);
    v1::GenerateResponse none;
    EXPECT_FALSE(repeat->Read(&none));
    code = repeat->Finish().error_code();
  }
  EXPECT_EQ(code, grpc::StatusCode::DEADLINE_EXCEEDED);
}

class ClosedGrpcInferenceTest : public GrpcInferenceTest {
 protected:
  void SetUp() override {
    GrpcInferenceTest::SetUp();
    tenants_ = file_.Open();
  }

  // A call of any method, by name and without its messages' types: the status it ends with.
  grpc::Status CallByName(const std::string& method, const std::string& authorization) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    const grpc::Slice empty;
    const grpc::ByteBuffer request(&empty, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response, [&](grpc::Status status) { done.set_value(status); });
    return done.get_future().get();
  }

  TenantsFile file_{{TenantJson("acme", "key-a", R"("priority":7)")}};
};

TEST_F(ClosedGrpcInferenceTest, EveryMethodNeedsAKey) {
  Serve({Ids("4")});
  const google::protobuf::ServiceDescriptor* service = v1::GenerateRequest::descriptor()->file()->FindServiceByName("Inference");
  ASSERT_NE(service, nullptr);
  ASSERT_GE(service->method_count(), 4);
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string method = "/" + service->full_name() + "/" + service->method(i)->name();
    for (const char* authorization : {"", "Bearer key-b", "key-a"})
      EXPECT_EQ(CallByName(method, authorization).error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    EXPECT_NE(CallByName(method, "Bearer key-a").error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
  }
  EXPECT_TRUE(decode_->starts().empty());
}

TEST_F(ClosedGrpcInferenceTest, TheTenantsPriorityReachesTheWorker) {
  Serve({Ids("4")});
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer key-a");
  ReadAll<v1::GenerateResponse>(stub_->Generate(&context, Question()));
  ASSERT_EQ(decode_->starts().size(), 1u);
  EXPECT_EQ(decode_->starts()[0].priority(), 7);
  EXPECT_EQ(decode_->starts()[0].cache_salt().size(), 32u);
}

TEST_F(ClosedGrpcInferenceTest, UsageIsTheTenantsOwn) {
  Serve({Ids("=4")});
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer key-a");
  ReadAll<v1::GenerateResponse>(stub_->Generate(&context, Question()));
  grpc::ClientContext second;
  second.AddMetadata("authorization", "Bearer key-a");
  v1::GetUsageResponse usage;
  ASSERT_TRUE(stub_->GetUsage(&second, {}, &usage).ok());
  EXPECT_EQ(usage.tenant(), "acme");
  EXPECT_EQ(usage.requests(), 1);
  EXPECT_EQ(usage.output_tokens(), 2);
  EXPECT_GT(usage.input_cache_miss_tokens(), 0);
  EXPECT_GT(usage.cost().amount(), 0);
  EXPECT_EQ(usage.cost().currency(), usage.prices().currency());
  EXPECT_GT(usage.prices().output(), 0);
}

TEST_F(ClosedGrpcInferenceTest, LimitsHoldAndAreShown) {
  file_.Write({TenantJson("acme", "key-a", R"("requests_per_min":2,"tokens_per_min":100)")});
  ASSERT_TRUE(tenants_->Reload().ok());
  Serve({Ids("4")});
  v1::GenerateRequest request = Question();
  request.mutable_options()->set_max_tokens(5);
  const auto call = [&](grpc::StatusCode expected) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer key-a");
    ReadAll<v1::GenerateResponse>(stub_->Generate(&context, request), expected);
    const auto& shown = context.GetServerInitialMetadata();
    const auto left = shown.find("x-ratelimit-remaining-requests");
    return left == shown.end() ? "" : std::string(left->second.data(), left->second.size());
  };
  EXPECT_EQ(call(grpc::StatusCode::OK), "1");
  EXPECT_EQ(call(grpc::StatusCode::OK), "0");
  call(grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(absl::StrContains(last_status_.error_message(), "2 requests a minute"));
  EXPECT_EQ(tenants_->Authenticate("Bearer key-a")->account->Usage().tokens.output, 2);
}

TEST_F(GrpcInferenceTest, AGuardRefusesBeforeTheServiceSeesACall) {
  guard_ = [](const std::string& method, const std::string& authorization) {
    const bool may = method == "/baleen.v1.Inference/ListModels" && authorization == "yes";
    return may ? absl::OkStatus() : absl::UnauthenticatedError("Say yes.");
  };
  Serve({Ids("4")});
  const auto list = [&](const std::string& authorization) {
    grpc::ClientContext context;
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    v1::ListModelsResponse response;
    return stub_->ListModels(&context, v1::ListModelsRequest(), &response);
  };
  EXPECT_TRUE(list("yes").ok());
  for (const char* authorization : {"no", ""}) {
    EXPECT_EQ(list(authorization).error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(list(authorization).error_message(), "Say yes.");
  }
  grpc::ClientContext context;
  context.AddMetadata("authorization", "yes");
  ReadAll<v1::GenerateResponse>(stub_->Generate(&context, Question()), grpc::StatusCode::UNAUTHENTICATED);
}

}  // namespace
}  // namespace baleen
