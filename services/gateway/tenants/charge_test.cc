#include "services/gateway/tenants/charge.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "absl/strings/match.h"

namespace baleen {
namespace {

class FakeClock final : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
  absl::Time now = absl::FromUnixSeconds(1000);
};

class ChargeTest : public testing::Test {
 protected:
  std::shared_ptr<Charge> Begin(int64_t prompt, int64_t max_tokens, int64_t choices = 1, const BilledBefore& before = {}) {
    GenerationInput input;
    input.prompt.resize(static_cast<size_t>(prompt));
    input.spec.max_tokens = max_tokens;
    input.spec.choices = choices;
    if (before.prompt) input.resume[0] = {};
    absl::StatusOr<std::shared_ptr<Charge>> charge = Charge::Begin(account_, input, before);
    EXPECT_TRUE(charge.ok()) << charge.status();
    return *std::move(charge);
  }

  static GenerationSink Sink(const std::shared_ptr<Charge>& charge) {
    return charge->Meter([](GenerationEvent) {});
  }

  // The next choice's, whose client had so many events before; only each `tokens`-th token completes one.
  static GenerationSink SinkThatHad(const std::shared_ptr<Charge>& charge, uint32_t choice, int64_t events, int64_t tokens = 1) {
    return charge->Meter([charge, choice, left = events, tokens](GenerationEvent event) mutable {
      event.choice = choice;
      if (event.usage.completion_tokens % tokens == 0 && left-- > 0) charge->Had(event);
    });
  }

  static GenerationEvent Event(int64_t tokens, int64_t prompt = 10, int64_t hit = 4) {
    GenerationEvent event;
    event.usage.prompt_tokens = prompt;
    event.usage.prompt_cache_hit_tokens = hit;
    event.usage.completion_tokens = tokens;
    return event;
  }

  static GenerationEvent Last(int64_t tokens) {
    GenerationEvent event = Event(tokens);
    event.finish = Finish::kStop;
    return event;
  }

  BilledTokens Billed() { return account_->Usage().tokens; }
  int64_t TokensLeft() {
    for (const auto& [name, value] : account_->LimitHeaders()) {
      if (name == "x-ratelimit-remaining-tokens") return std::stoll(value);
    }
    return -1;
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  FakeClock clock_;
  prometheus::Registry registry_;
  const PriceTable prices_{"USD", 1, 2, 3};
  TenantProbe probe_{registry_, prices_};
  std::shared_ptr<TenantAccount> account_ = std::make_shared<TenantAccount>(
      "acme", TenantLimits{.requests_per_min = 6, .tokens_per_min = 1000, .concurrent_streams = 2}, &clock_, prices_, probe_.For("acme"));
};

TEST_F(ChargeTest, IsCorrectedAtTheEnd) {
  const std::shared_ptr<Charge> charge = Begin(10, 100);
  EXPECT_EQ(TokensLeft(), 890);
  EXPECT_EQ(account_->Usage().streams, 1);
  const GenerationSink sink = Sink(charge);
  sink(Event(1));
  sink(Event(2));
  EXPECT_EQ(TokensLeft(), 890);
  sink(Last(3));
  EXPECT_EQ(TokensLeft(), 987);
  EXPECT_EQ(account_->Usage().streams, 0);
  EXPECT_EQ(account_->Usage().requests, 1);
  EXPECT_EQ(Billed().input_cache_hit, 4);
  EXPECT_EQ(Billed().input_cache_miss, 6);
  EXPECT_EQ(Billed().output, 3);
}

TEST_F(ChargeTest, ChoicesShareAPrompt) {
  const std::shared_ptr<Charge> charge = Begin(10, 100, 3);
  EXPECT_EQ(TokensLeft(), 690);
  const GenerationSink first = Sink(charge), second = Sink(charge), third = Sink(charge);
  first(Event(1));
  second(Last(2));
  third(Last(5));
  EXPECT_EQ(account_->Usage().streams, 1);
  first(Last(2));
  EXPECT_EQ(account_->Usage().streams, 0);
  EXPECT_EQ(Billed().output, 9);
  EXPECT_EQ(Billed().input_cache_hit + Billed().input_cache_miss, 10);
  EXPECT_EQ(TokensLeft(), 981);
}

TEST_F(ChargeTest, WhoLeavesPaysForWhatCame) {
  std::shared_ptr<Charge> charge = Begin(10, 100);
  {
    const GenerationSink sink = Sink(charge);
    charge.reset();
    sink(Event(1));
    sink(Event(2));
    EXPECT_EQ(account_->Usage().streams, 1);
  }
  EXPECT_EQ(account_->Usage().streams, 0);
  EXPECT_EQ(TokensLeft(), 988);
  EXPECT_EQ(Billed().output, 2);
}

TEST_F(ChargeTest, ARequestThatFailsBeforeItsFirstTokenCostsNothing) {
  const std::shared_ptr<Charge> charge = Begin(10, 100, 2);
  GenerationEvent failed = Event(0);
  failed.status = absl::UnavailableError("no worker");
  Sink(charge)(failed);
  EXPECT_EQ(account_->Usage().streams, 0);
  EXPECT_EQ(TokensLeft(), 1000);
  EXPECT_EQ(Billed().input_cache_hit + Billed().input_cache_miss + Billed().output, 0);
}

TEST_F(ChargeTest, AResumedRequestPaysForWhatIsNew) {
  const std::shared_ptr<Charge> charge = Begin(10, 100, 1, {.prompt = true, .events = {5}});
  const GenerationSink sink = SinkThatHad(charge, 0, 5);
  for (int i = 1; i <= 7; ++i) sink(Event(i));
  sink(Last(7));
  EXPECT_EQ(Billed().output, 2);
  EXPECT_EQ(Billed().input_cache_hit + Billed().input_cache_miss, 0);
  EXPECT_EQ(account_->Usage().requests, 0);
}

TEST_F(ChargeTest, EachChoiceOfAResumedRequestPaysForWhatIsNewInIt) {
  const std::shared_ptr<Charge> charge = Begin(10, 100, 2, {.prompt = true, .events = {5, 1}});
  const GenerationSink first = SinkThatHad(charge, 0, 5), second = SinkThatHad(charge, 1, 1);
  for (int i = 1; i <= 7; ++i) first(Event(i));
  second(Event(1));
  EXPECT_EQ(Billed().output, 2);
  second(Last(4));
  first(Last(7));
  EXPECT_EQ(Billed().output, 5);
  EXPECT_EQ(account_->Usage().streams, 0);
}

TEST_F(ChargeTest, TokensThatCameWithoutAnEventOfTheirOwnAreNotPaidAgain) {
  const std::shared_ptr<Charge> charge = Begin(10, 100, 1, {.prompt = true, .events = {2}});
  const GenerationSink sink = SinkThatHad(charge, 0, 2, 3);
  for (int i = 1; i <= 8; ++i) sink(Event(i));
  sink(Last(8));
  EXPECT_EQ(Billed().output, 2) << "two events had six tokens";
}

TEST_F(ChargeTest, ARepeatCountsButIsFree) {
  const std::shared_ptr<Charge> charge = Begin(10, 100, 1, {.free = true});
  const GenerationSink sink = Sink(charge);
  sink(Event(1));
  sink(Last(2));
  EXPECT_EQ(Billed().output, 0);
  EXPECT_EQ(TokensLeft(), 988);
}

TEST_F(ChargeTest, LimitsRefuse) {
  const std::shared_ptr<Charge> one = Begin(10, 100), two = Begin(10, 100);
  GenerationInput input;
  input.prompt.resize(10);
  input.spec.max_tokens = 1;
  EXPECT_EQ(Charge::Begin(account_, input).status().code(), absl::StatusCode::kResourceExhausted);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(account_->TakeRequest().ok());
  EXPECT_FALSE(account_->TakeRequest().ok());
  EXPECT_TRUE(absl::StrContains(Metrics(), R"(baleen_tenant_refused_total{limit="streams",tenant="acme"} 1)")) << Metrics();
  EXPECT_TRUE(absl::StrContains(Metrics(), R"(baleen_tenant_refused_total{limit="requests",tenant="acme"} 1)"));
}

TEST_F(ChargeTest, ALongPromptIsRefusedByTheLeastThatItCanCost) {
  GenerationSpec spec;
  spec.max_tokens = 10;
  spec.choices = 2;
  EXPECT_TRUE(Charge::Check(account_.get(), 980, spec).ok());
  EXPECT_EQ(Charge::Check(account_.get(), 981, spec).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Charge::Check(nullptr, 1 << 30, spec).ok());
  EXPECT_EQ(TokensLeft(), 1000);
  // A short one is priced exactly, a moment later.
  spec.max_tokens = 100000;
  EXPECT_TRUE(Charge::Check(account_.get(), 1, spec).ok());
}

TEST_F(ChargeTest, HeadersAreAsOpenAiHasThem) {
  EXPECT_EQ(account_->LimitHeaders()[5], std::make_pair(std::string("x-ratelimit-reset-tokens"), std::string("0s")));
  ASSERT_TRUE(account_->TakeRequest().ok());
  const std::shared_ptr<Charge> charge = Begin(10, 90);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"x-ratelimit-limit-requests", "6"},  {"x-ratelimit-remaining-requests", "5"}, {"x-ratelimit-reset-requests", "10s"},
      {"x-ratelimit-limit-tokens", "1000"}, {"x-ratelimit-remaining-tokens", "900"}, {"x-ratelimit-reset-tokens", "6s"}};
  EXPECT_EQ(account_->LimitHeaders(), expected);
}

TEST_F(ChargeTest, MetricsAreInTokensAndMoney) {
  const std::shared_ptr<Charge> charge = Begin(10, 100);
  Sink(charge)(Last(1000));
  const std::string metrics = Metrics();
  EXPECT_TRUE(absl::StrContains(metrics, R"(baleen_tenant_tokens_total{kind="input_cache_hit",tenant="acme"} 4)")) << metrics;
  EXPECT_TRUE(absl::StrContains(metrics, R"(baleen_tenant_tokens_total{kind="input_cache_miss",tenant="acme"} 6)")) << metrics;
  EXPECT_TRUE(absl::StrContains(metrics, R"(baleen_tenant_tokens_total{kind="output",tenant="acme"} 1000)")) << metrics;
  EXPECT_TRUE(absl::StrContains(metrics, R"(baleen_tenant_cost_total{currency="USD",kind="input_cache_hit",tenant="acme"} 4e-06)"))
      << metrics;
  EXPECT_TRUE(absl::StrContains(metrics, R"(baleen_tenant_cost_total{currency="USD",kind="input_cache_miss",tenant="acme"} 1.2e-05)"));
  EXPECT_TRUE(absl::StrContains(metrics, R"(baleen_tenant_cost_total{currency="USD",kind="output",tenant="acme"} 0.003)")) << metrics;
  EXPECT_TRUE(absl::StrContains(metrics, R"(baleen_tenant_requests_total{tenant="acme"} 1)")) << metrics;
}

TEST_F(ChargeTest, NobodysRequestIsNotCharged) {
  GenerationInput input;
  input.spec.max_tokens = 1;
  const auto charge = Charge::Begin(nullptr, input);
  ASSERT_TRUE(charge.ok());
  Sink (*charge)(Last(1));
}

}  // namespace
}  // namespace baleen
