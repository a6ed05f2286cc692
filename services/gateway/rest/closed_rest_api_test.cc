#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "services/gateway/rest/rest_api_fixture.h"
#include "services/gateway/testing/tenants.h"

namespace baleen {
namespace {

namespace json = boost::json;

// A base, so that it outlives the tests' tenants and answers.
class TwoTenants {
 protected:
  TenantsFile file_{{TenantJson("acme", "key-a", R"("priority":7)"), TenantJson("initech", "key-b")}};
};

class ClosedRestApiTest : protected TwoTenants, public RestApiTest {
 protected:
  void SetUp() override {
    tenants_ = file_.Open();
    RestApiTest::SetUp();
  }

  static HttpHeaders Key(const std::string& key) { return {{"authorization", "Bearer " + key}}; }
};

TEST_F(ClosedRestApiTest, EveryRouteButProbesAndThePageNeedsAKey) {
  const std::set<std::string> open = {"/livez", "/readyz", "/health", "/", "/page/{file}"};
  ASSERT_GE(RestApi::DocumentedRoutes().size(), 10u);
  for (const DocumentedRoute& route : RestApi::DocumentedRoutes()) {
    for (const HttpHeaders& headers : {HttpHeaders{}, Key("unknown"), HttpHeaders{{"authorization", "key-a"}}}) {
      const auto answer = Call(route.method, route.path, kChat, headers);
      EXPECT_EQ(answer->status == 401, open.count(route.path) == 0) << route.method << " " << route.path << " " << answer->status;
      if (answer->status != 401) continue;
      EXPECT_EQ(answer->Header("www-authenticate"), "Bearer");
      EXPECT_EQ(json::parse(answer->body).at("error").at("code"), "invalid_api_key");
    }
    EXPECT_NE(Call(route.method, route.path, kChat, Key("key-a"))->status, 401) << route.path;
  }
  EXPECT_TRUE(decode_->starts().size() > 0);
}

TEST_F(ClosedRestApiTest, WhoHasNoKeyLearnsNothingOfTheRoutes) {
  EXPECT_EQ(Call("GET", "/nothing")->status, 401);
  EXPECT_EQ(Call("GET", "/v1/chat/completions")->status, 401);
  EXPECT_EQ(Call("POST", "/livez")->status, 401);
  EXPECT_EQ(Call("GET", "/nothing", "", Key("key-a"))->status, 404);
  EXPECT_EQ(Call("POST", "/livez", "", Key("key-a"))->status, 405);
}

TEST_F(ClosedRestApiTest, TheTenantsSaltAndPriorityReachTheWorker) {
  for (const char* key : {"key-a", "key-b", "key-a"}) EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, Key(key))->status, 200);
  const std::vector<v1::StartSequence> starts = decode_->starts();
  ASSERT_EQ(starts.size(), 3u);
  EXPECT_EQ(starts[0].cache_salt().size(), 32u);
  EXPECT_EQ(starts[0].cache_salt(), starts[2].cache_salt());
  EXPECT_NE(starts[0].cache_salt(), starts[1].cache_salt());
  EXPECT_EQ(starts[0].priority(), 7);
  EXPECT_EQ(starts[1].priority(), 0);
}

TEST_F(ClosedRestApiTest, ARevokedKeyIsRefusedAtOnce) {
  EXPECT_EQ(Call("GET", "/v1/models", "", Key("key-a"))->status, 200);
  file_.Write({TenantJson("acme", "key-c")});
  ASSERT_TRUE(tenants_->Reload().ok());
  EXPECT_EQ(Call("GET", "/v1/models", "", Key("key-a"))->status, 401);
  EXPECT_EQ(Call("GET", "/v1/models", "", Key("key-c"))->status, 200);
}

TEST_F(ClosedRestApiTest, TheDocumentSaysThatKeysAreNeeded) {
  const json::value document = json::parse(Call("GET", "/openapi.json", "", Key("key-a"))->body);
  EXPECT_TRUE(document.at("paths").at("/v1/models").at("get").at("responses").as_object().contains("401"));
  EXPECT_FALSE(document.at("paths").at("/livez").at("get").as_object().contains("security"));
  EXPECT_EQ(document.at("components").at("securitySchemes").at("key").at("scheme"), "bearer");
}

TEST_F(ClosedRestApiTest, EveryAnswerSaysWhatIsLeft) {
  file_.Write({TenantJson("acme", "key-a", R"("requests_per_min":3,"tokens_per_min":100000)"), TenantJson("initech", "key-b")});
  ASSERT_TRUE(tenants_->Reload().ok());
  const auto left = [](const FakeResponder& answer) {
    return answer.Header("x-ratelimit-limit-requests") + " " + answer.Header("x-ratelimit-remaining-requests");
  };
  EXPECT_EQ(left(*Call("GET", "/v1/models", "", Key("key-a"))), "3 3");
  const auto whole = Call("POST", "/v1/chat/completions", kChat, Key("key-a"));
  EXPECT_EQ(left(*whole), "3 2");
  EXPECT_EQ(whole->Header("x-ratelimit-limit-tokens"), "100000");
  EXPECT_GT(std::stoi(whole->Header("x-ratelimit-remaining-tokens")), 99000);
  const auto stream = Call("POST", "/v1/chat/completions", kChatStream, Key("key-a"));
  EXPECT_EQ(left(*stream), "3 1");
  EXPECT_FALSE(stream->Header("x-ratelimit-reset-requests").empty());
  EXPECT_EQ(left(*Call("POST", "/v1/chat/completions", "{", Key("key-a"))), "3 0");
  const auto refused = Call("POST", "/v1/chat/completions", kChat, Key("key-a"));
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(left(*refused), "3 0");
  EXPECT_EQ(refused->Header("retry-after"), "20");
  EXPECT_EQ(json::parse(refused->body).at("error").at("code"), "rate_limit_exceeded");
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, Key("key-b"))->status, 200);
  EXPECT_EQ(Call("GET", "/v1/usage", "", Key("key-a"))->status, 200);
}

TEST_F(ClosedRestApiTest, NoLimitRefusesAResume) {
  file_.Write({TenantJson("acme", "key-a", R"("requests_per_min":1,"tokens_per_min":10000)")});
  ASSERT_TRUE(tenants_->Reload().ok());
  HttpHeaders headers = Key("key-a");
  headers.emplace_back("x-baleen-resumable", "1");
  const auto begun = Call("POST", "/v1/chat/completions", kChatStream, headers);
  ASSERT_EQ(begun->status, 200);
  recall_->Keep({{0, 1}});
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, Key("key-a"))->status, 429);
  const std::string path = "/v1/requests/" + begun->Header("x-request-id") + "/events";
  const auto resumed = Call("GET", path, "", Key("key-a"));
  EXPECT_EQ(resumed->status, 200) << resumed->body;
  EXPECT_EQ(resumed->body, begun->body);
  EXPECT_EQ(resumed->Header("x-ratelimit-remaining-requests"), "0");
}

TEST_F(ClosedRestApiTest, RequestsThatAskForTooMuchAreRefusedBeforeTheyStart) {
  file_.Write({TenantJson("acme", "key-a", R"("tokens_per_min":50,"concurrent_streams":1)")});
  ASSERT_TRUE(tenants_->Reload().ok());
  const std::string prompt = R"({"model":"abacus","prompt":"2+2","n":4,"max_tokens":)";
  const auto refused = Call("POST", "/v1/completions", prompt + "12}", Key("key-a"));
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->Header("retry-after"), "");
  EXPECT_TRUE(decode_->starts().empty());
  EXPECT_EQ(Call("POST", "/v1/completions", prompt + "11}", Key("key-a"))->status, 200);
}

TEST_F(ClosedRestApiTest, StreamsAtATime) {
  DecodeScript waits;
  waits.silent = true;
  Answer(waits);
  file_.Write({TenantJson("acme", "key-a", R"("concurrent_streams":1)")});
  ASSERT_TRUE(tenants_->Reload().ok());
  auto first = Call("POST", "/v1/chat/completions", kChatStream, Key("key-a"));
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChatStream, Key("key-a"))->status, 429);
  first->disconnect();
  first.reset();
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChatStream, Key("key-a"))->status, 0);
}

TEST_F(ClosedRestApiTest, ATenantSeesItsOwnUsageAlone) {
  Answer({Ids("a\n</think>\n\n4"), v1::FINISH_REASON_STOP, 2});
  ASSERT_EQ(Call("POST", "/v1/chat/completions", kChat, Key("key-a"))->status, 200);
  ASSERT_EQ(Call("POST", "/v1/chat/completions", kChatStream, Key("key-a"))->status, 200);
  const json::value answer = json::parse(Call("POST", "/v1/chat/completions", kChat, Key("key-a"))->body);
  const json::value acme = json::parse(Call("GET", "/v1/usage", "", Key("key-a"))->body);
  EXPECT_EQ(acme.at("tenant"), "acme");
  EXPECT_EQ(acme.at("requests"), 3);
  EXPECT_EQ(acme.at("input_cache_hit_tokens"), 6);
  EXPECT_EQ(acme.at("input_cache_miss_tokens"), 3 * (answer.at("usage").at("prompt_tokens").as_int64() - 2));
  EXPECT_EQ(acme.at("output_tokens"), 3 * answer.at("usage").at("completion_tokens").as_int64());
  const double cost = 0.14 * 6 + 0.55 * static_cast<double>(acme.at("input_cache_miss_tokens").as_int64()) +
                      2.19 * static_cast<double>(acme.at("output_tokens").as_int64());
  EXPECT_EQ(acme.at("cost").at("currency"), "USD");
  EXPECT_NEAR(acme.at("cost").at("amount").as_double(), cost / 1e6, 1e-12);
  const json::value initech = json::parse(Call("GET", "/v1/usage", "", Key("key-b"))->body);
  EXPECT_EQ(initech.at("requests"), 0);
  EXPECT_EQ(initech.at("output_tokens"), 0);
}

TEST_F(ClosedRestApiTest, WhatAClientHadIsNotBilledAgainWhenItsStreamIsResumed) {
  const int64_t tokens_each = static_cast<int64_t>(Ids("€").size());
  ASSERT_GT(tokens_each, 1) << "a character of one token";
  ASSERT_EQ(static_cast<int64_t>(Ids("€€€").size()), 3 * tokens_each);
  Answer({Ids("€€€")});
  recall_->Keep({{0, 100}});
  const auto billed = [this] { return json::parse(Call("GET", "/v1/usage", "", Key("key-a"))->body).at("output_tokens").as_int64(); };
  HttpHeaders headers = Key("key-a");
  headers.emplace_back("x-baleen-resumable", "1");
  const auto first = Call("POST", "/v1/completions", R"({"model":"abacus","prompt":"1","stream":true})", headers);
  ASSERT_EQ(billed(), 3 * tokens_each);
  // Event 0 has the first token, and no character yet.
  for (const int64_t characters : {1, 2, 3}) {
    const int64_t before = billed();
    headers = Key("key-a");
    headers.emplace_back("last-event-id", std::to_string(characters));
    const auto rest = Call("GET", "/v1/requests/" + first->Header("x-request-id") + "/events", "", headers);
    ASSERT_EQ(rest->status, 200) << rest->body;
    EXPECT_EQ(billed() - before, (3 - characters) * tokens_each);
  }
}

TEST_F(ClosedRestApiTest, ARepeatIsNotBilledAgain) {
  HttpHeaders headers = Key("key-a");
  headers.emplace_back("idempotency-key", "k");
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, headers)->status, 200);
  const json::value once = json::parse(Call("GET", "/v1/usage", "", Key("key-a"))->body);
  EXPECT_GT(once.at("output_tokens").as_int64(), 0);
  EXPECT_EQ(Call("POST", "/v1/chat/completions", kChat, headers)->status, 200);
  const json::value twice = json::parse(Call("GET", "/v1/usage", "", Key("key-a"))->body);
  EXPECT_EQ(twice.at("output_tokens"), once.at("output_tokens"));
  EXPECT_EQ(twice.at("cost"), once.at("cost"));
}

}  // namespace
}  // namespace baleen
