// Pages in browsers at the REST API, with keys and without.
#include <gtest/gtest.h>

#include <string>

#include "services/gateway/rest/rest_api_fixture.h"
#include "services/gateway/testing/tenants.h"

namespace baleen {
namespace {

constexpr char kFriend[] = "https://chat.example";

class OriginsTest : public RestApiTest {
 protected:
  void Allow(OriginRules rules) {
    origins_ = std::move(rules);
    Answer({Ids("a\n</think>\n\n4")});
  }

  std::shared_ptr<FakeResponder> Ask(const std::string& host, const std::string& origin) {
    HttpHeaders headers = {{"host", host}};
    if (!origin.empty()) headers.emplace_back("origin", origin);
    return Call("POST", "/v1/chat/completions", kChat, headers);
  }
};

TEST_F(OriginsTest, WithoutKeysOtherPagesAreRefused) {
  EXPECT_EQ(Ask("127.0.0.1:8080", "")->status, 200);
  EXPECT_EQ(Ask("127.0.0.1:8080", "http://127.0.0.1:8080")->status, 200);
  EXPECT_EQ(Ask("chat.example", kFriend)->status, 200);
  const auto refused = Ask("127.0.0.1:8080", "http://localhost:21999");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->Header("access-control-allow-origin"), "");
  EXPECT_EQ(Call("GET", "/v1/cluster", "", {{"host", "127.0.0.1"}, {"origin", "null"}})->status, 403);
  EXPECT_EQ(Call("GET", "/livez", "", {{"host", "127.0.0.1"}, {"origin", "null"}})->status, 200);
}

TEST_F(OriginsTest, OnLoopbackOtherNamesAreRefused) {
  Allow({.own_pages = true, .loopback_hosts = true});
  EXPECT_EQ(Ask("localhost:8080", "")->status, 200);
  EXPECT_EQ(Ask("rebind.example:8080", "")->status, 403);
  EXPECT_EQ(Ask("rebind.example:8080", "http://rebind.example:8080")->status, 403);
  EXPECT_EQ(Call("GET", "/v1/models", "", {{"host", "rebind.example"}})->status, 403);
  EXPECT_EQ(Call("GET", "/livez", "", {{"host", "rebind.example"}})->status, 200);
}

TEST_F(OriginsTest, AllowedPagesMayReadEveryAnswer) {
  Allow({.own_pages = true, .loopback_hosts = true, .allowed = {kFriend}});
  const auto answer = Ask("localhost:8080", kFriend);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->Header("access-control-allow-origin"), kFriend);
  const auto stream = Call("POST", "/v1/chat/completions", kChatStream, {{"host", "localhost"}, {"origin", kFriend}});
  EXPECT_EQ(stream->Header("access-control-allow-origin"), kFriend);
  const auto missing = Call("GET", "/v1/nothing", "", {{"host", "localhost"}, {"origin", kFriend}});
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->Header("access-control-allow-origin"), kFriend);
  EXPECT_EQ(Ask("localhost:8080", "https://evil.example")->status, 403);
  EXPECT_EQ(Ask("localhost:8080", "")->Header("access-control-allow-origin"), "");
}

TEST_F(OriginsTest, PreflightsAreAnsweredForAllowedOnesAlone) {
  Allow({.own_pages = true, .loopback_hosts = false, .allowed = {kFriend}});
  const auto preflight = [this](const char* origin) {
    return Call("OPTIONS", "/v1/chat/completions", "",
                {{"host", "localhost"},
                 {"origin", origin},
                 {"access-control-request-method", "POST"},
                 {"access-control-request-headers", "authorization,content-type,x-stainless-os"}});
  };
  const auto yes = preflight(kFriend);
  EXPECT_EQ(yes->status, 204);
  EXPECT_EQ(yes->Header("access-control-allow-origin"), kFriend);
  EXPECT_EQ(yes->Header("access-control-allow-headers"), "authorization,content-type,x-stainless-os");
  EXPECT_EQ(yes->Header("access-control-allow-methods"), "GET, HEAD, POST");
  EXPECT_EQ(preflight("https://evil.example")->status, 403);
  EXPECT_EQ(preflight("http://localhost")->status, 405);
  EXPECT_EQ(Call("OPTIONS", "/v1/chat/completions", "", {{"host", "localhost"}, {"origin", kFriend}})->status, 405);
}

// A base, so that it outlives the test's tenants.
class OneTenant {
 protected:
  TenantsFile file_{{TenantJson("acme", "key")}};
};

class ClosedOriginsTest : protected OneTenant, public OriginsTest {
 protected:
  void SetUp() override {
    tenants_ = file_.Open();
    OriginsTest::SetUp();
  }
};

TEST_F(ClosedOriginsTest, AKeyProtectsWhereverAPageIsFrom) {
  Allow({.own_pages = true, .loopback_hosts = true, .allowed = {kFriend}});
  const auto ask = [this](HttpHeaders headers) { return Call("POST", "/v1/chat/completions", kChat, headers); };
  const auto answer = ask({{"host", "api.example"}, {"origin", "https://evil.example"}, {"authorization", "Bearer key"}});
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_EQ(answer->Header("access-control-allow-origin"), "");
  const auto refused = ask({{"host", "api.example"}, {"origin", kFriend}});
  EXPECT_EQ(refused->status, 401);
  EXPECT_EQ(refused->Header("access-control-allow-origin"), kFriend);
}

}  // namespace
}  // namespace baleen
