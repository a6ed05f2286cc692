// What a full cluster's gateway answers, whether it can tell before it reads the prompt or only then.
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <utility>

#include "base/clock.h"
#include "services/gateway/admission/admission.h"
#include "services/gateway/rest/rest_api.h"
#include "services/gateway/tenants/tenant_directory.h"
#include "services/gateway/testing/fake_responder.h"
#include "services/gateway/testing/scripted_decode.h"
#include "services/gateway/testing/tenants.h"

namespace baleen {
namespace {

constexpr char kChat[] = R"({"model":"abacus","messages":[{"role":"user","content":"2+2"}],"max_tokens":60})";

// At which limits stay as they were.
class StillClock final : public Clock {
 public:
  absl::Time Now() override { return absl::UnixEpoch(); }
  void Sleep(absl::Duration) override {}
};

// A gateway whose cluster has no place and whose queue takes so many tokens.
class FullGateway {
 public:
  explicit FullGateway(int64_t waiting_tokens) : admission_(Limits(waiting_tokens), Clock::Real(), nullptr) {
    admission_.Enter(admission_.NewTicket(), {"other", 64}, [](absl::Status) {});
    AddReadyWorker(&picker_);
    RestApiOptions options;
    options.model = model_.get();
    options.generation = {model_->tokenizer.get(), &decode_, &picker_};
    options.generation.admission = &admission_;
    options.probe = &probe_;
    options.tenants = tenants_.get();
    api_ = std::make_unique<RestApi>(std::move(options));
  }

  std::shared_ptr<FakeResponder> Ask(const std::string& body) {
    HttpRequest request;
    request.method = "POST";
    request.path = "/v1/chat/completions";
    request.body = PrivateText(body);
    request.headers = {{"authorization", "Bearer key"}, {"x-request-id", std::string(32, 'a')}};
    auto responder = responders_.Make();
    api_->Handle(std::move(request), responder);
    return responder;
  }

  // Of refused requests, those that got as far as the queue.
  int64_t ended() const {
    int64_t ended = 0;
    for (const prometheus::MetricFamily& family : registry_.Collect()) {
      if (family.name != "baleen_request_success_total") continue;
      for (const prometheus::ClientMetric& metric : family.metric) ended += static_cast<int64_t>(metric.counter.value);
    }
    return ended;
  }

 private:
  static AdmissionLimits Limits(int64_t waiting_tokens) {
    AdmissionLimits limits;
    limits.running.sequences = 1;
    limits.waiting_tokens = waiting_tokens;
    return limits;
  }

  prometheus::Registry registry_;
  GatewayProbe probe_{registry_, "abacus"};
  WorkerPicker picker_;
  Admission admission_;
  std::unique_ptr<ServedModel> model_ = *ServedModel::Load("checkpoints/abacus");
  ScriptedDecode decode_{DecodeScript()};
  TenantsFile file_{{TenantJson("acme", "key", R"("requests_per_min":3,"tokens_per_min":100000)")}};
  StillClock clock_;
  std::unique_ptr<TenantDirectory> tenants_ = file_.Open(&clock_);
  std::unique_ptr<RestApi> api_;
  FakeResponders responders_;
};

// 60 tokens of an answer fill a block with the least that the prompt may have, and two with what it has.
TEST(RefusalTest, IsTheSameBeforeAndAfterThePromptIsRead) {
  FullGateway before(0);
  FullGateway after(64);
  const auto early = before.Ask(kChat);
  const auto late = after.Ask(kChat);
  EXPECT_EQ(before.ended(), 0);
  EXPECT_EQ(after.ended(), 1);
  EXPECT_EQ(early->status, 429);
  EXPECT_EQ(early->Header("retry-after"), "1");
  EXPECT_EQ(early->Header("x-request-id"), std::string(32, 'a'));
  EXPECT_EQ(early->Header("x-ratelimit-remaining-requests"), "2");
  EXPECT_EQ(early->status, late->status);
  EXPECT_EQ(early->body, late->body);
  EXPECT_EQ(early->headers, late->headers);
}

TEST(RefusalTest, WhatIsNoRequestIsToldSoEvenThen) { EXPECT_EQ(FullGateway(0).Ask("{")->status, 400); }

}  // namespace
}  // namespace baleen
