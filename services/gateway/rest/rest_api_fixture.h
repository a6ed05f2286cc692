// A REST API over a decode worker that says what a test wrote down.
#ifndef BALEEN_SERVICES_GATEWAY_REST_REST_API_FIXTURE_H_
#define BALEEN_SERVICES_GATEWAY_REST_REST_API_FIXTURE_H_

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/gateway/idempotency/idempotent_answer.h"
#include "services/gateway/probe.h"
#include "services/gateway/rest/rest_api.h"
#include "services/gateway/tenants/tenant_directory.h"
#include "services/gateway/testing/fake_responder.h"
#include "services/gateway/testing/scripted_decode.h"
#include "services/gateway/testing/scripted_recall.h"
#include "services/gateway/text_pool/text_pool.h"

namespace baleen {

inline constexpr char kChat[] = R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}]})";
inline constexpr char kChatStream[] = R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}],"stream":true,
  "stream_options":{"include_usage":true}})";

class RestApiTest : public testing::Test {
 protected:
  void SetUp() override {
    auto model = ServedModel::Load("checkpoints/abacus");
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    AddReadyWorker(&picker_);
    Answer({Ids("a\n</think>\n\n4")});
  }

  std::vector<int32_t> Ids(const std::string& text) { return model_->tokenizer->Encode(text, AddedTokens::kMatch); }

  void Answer(DecodeScript script) {
    decode_ = std::make_unique<ScriptedDecode>(std::move(script));
    recall_ = std::make_unique<ScriptedRecall>(decode_.get());
    finder_ = std::make_unique<RequestFinder>(recall_.get(), Clock::Real());
    AddDecodeWorker(finder_.get());
    RestApiOptions options;
    options.model = model_.get();
    options.finder = finder_.get();
    options.generation = {model_->tokenizer.get(), decode_.get(), &picker_};
    options.probe = &probe_;
    options.readiness = [this] { return readiness_; };
    options.tenants = tenants_.get();
    options.idempotency = &idempotency_;
    options.texts = &texts_;
    options.origins = origins_;
    api_ = std::make_unique<RestApi>(std::move(options));
  }

  std::shared_ptr<FakeResponder> Call(const std::string& method, const std::string& path, const std::string& body = "",
                                      const HttpHeaders& headers = {}) {
    auto responder = responders_.Make();
    api_->Handle(HttpRequest{method, path, PrivateText(body), headers}, responder);
    return responder;
  }

  prometheus::Registry registry_;
  GatewayProbe probe_{registry_, "abacus"};
  WorkerPicker picker_;
  absl::Status readiness_;
  std::unique_ptr<TenantDirectory> tenants_;
  OriginRules origins_ = RestApiOptions().origins;
  IdempotencyKeys idempotency_{IdempotencyLimits(), Clock::Real()};
  TextPool texts_{{.threads = 1}};
  std::unique_ptr<ServedModel> model_;
  std::unique_ptr<ScriptedDecode> decode_;
  std::unique_ptr<ScriptedRecall> recall_;
  std::unique_ptr<RequestFinder> finder_;
  std::unique_ptr<RestApi> api_;
  FakeResponders responders_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REST_REST_API_FIXTURE_H_
