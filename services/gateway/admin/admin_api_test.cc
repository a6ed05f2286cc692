#include "services/gateway/admin/admin_api.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <boost/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/gateway/testing/fake_responder.h"
#include "services/gateway/testing/tenants.h"

namespace baleen {
namespace {

namespace json = boost::json;

class AdminApiTest : public testing::Test {
 protected:
  void Open(std::unique_ptr<TenantDirectory> tenants) {
    tenants_ = std::move(tenants);
    AdminApiOptions options;
    options.tenants = tenants_.get();
    options.map = [this] { return map_; };
    options.drain = [this] { ++drains_; };
    options.drain_other = [this](const std::string& worker_id, std::function<void(absl::Status)> done) {
      drained_.push_back(worker_id);
      done(drain_answer_);
    };
    options.activity = [this](std::function<void(absl::StatusOr<v1::Activity>)> done) { done(activity_); };
    options.scale = [this](uint32_t shards, std::function<void(absl::Status)> done) {
      wanted_ = shards;
      done(scaled_);
    };
    api_ = std::make_unique<AdminApi>(std::move(options));
  }

  void OpenToAnybody() {
    auto tenants = TenantDirectory::Open({.path = "", .metrics = &registry_});
    ASSERT_TRUE(tenants.ok());
    Open(*std::move(tenants));
  }

  static std::string AdminKey(const std::string& key) {
    return absl::StrCat(R"("admin_keys":[{"sha256":")", KeyDigestToHex(DigestOfKey(key)), R"("}])");
  }

  FakeResponder Call(const std::string& route, const HttpHeaders& headers, const std::string& body = "") {
    const std::vector<std::string> parts = absl::StrSplit(route, ' ');
    HttpRequest request;
    request.method = parts[0];
    request.path = parts[1];
    request.headers = headers;
    request.body = PrivateText(body);
    auto responder = std::make_shared<FakeResponder>();
    api_->Handle(request, responder);
    return *responder;
  }

  const HttpHeaders admin_ = {{"authorization", "Bearer admin"}};
  const HttpHeaders here_ = {{"host", "127.0.0.1:8082"}};
  prometheus::Registry registry_;
  TenantsFile file_{{TenantJson("acme", "key-a", R"("priority":2,"requests_per_min":60)"), TenantJson("initech", "key-b")},
                    AdminKey("admin")};
  std::unique_ptr<TenantDirectory> tenants_;
  std::shared_ptr<const v1::ClusterMap> map_;
  int drains_ = 0;
  std::vector<std::string> drained_;
  absl::Status drain_answer_;
  absl::StatusOr<v1::Activity> activity_ = absl::UnavailableError("no placement");
  uint32_t wanted_ = 0;
  absl::Status scaled_;
  std::unique_ptr<AdminApi> api_;
};

TEST_F(AdminApiTest, EveryRouteNeedsAnAdminKey) {
  Open(file_.Open());
  ASSERT_GE(AdminApi::Routes().size(), 6u);
  for (const std::string& route : AdminApi::Routes()) {
    EXPECT_EQ(Call(route, here_).status, 401) << route;
    EXPECT_EQ(Call(route, {{"authorization", "Bearer key-a"}}).status, 401) << route;
  }
  EXPECT_EQ(drains_, 0);
  EXPECT_EQ(Call("GET /nothing", here_).status, 401);
  for (const std::string& route : AdminApi::Routes()) EXPECT_NE(Call(route, admin_).status, 401) << route;
  EXPECT_EQ(drains_, 1);
  EXPECT_EQ(Call("GET /nothing", admin_).status, 404);
  EXPECT_EQ(Call("GET /admin/drain", admin_).status, 405);
}

TEST_F(AdminApiTest, WithoutAdminKeysItIsClosed) {
  file_.Write({TenantJson("acme", "key-a")});
  Open(file_.Open());
  for (const std::string& route : AdminApi::Routes()) EXPECT_EQ(Call(route, admin_).status, 401) << route;
}

TEST_F(AdminApiTest, AnAdminKeyIsNoTenantsKey) { EXPECT_FALSE(file_.Open()->Authenticate("Bearer admin").ok()); }

TEST_F(AdminApiTest, OpenToThisMachineButNotToPages) {
  OpenToAnybody();
  for (const char* host : {"127.0.0.1:8082", "localhost:8082", "[::1]:8082", "127.0.0.1"}) {
    EXPECT_EQ(Call("GET /admin/usage", {{"host", host}}).status, 200) << host;
  }
  for (const char* host : {"evil.example:8082", "10.0.0.1", "", "[", "localhost.evil.example"}) {
    EXPECT_EQ(Call("POST /admin/drain", {{"host", host}}).status, 403) << host;
  }
  EXPECT_EQ(Call("POST /admin/drain", {{"host", "localhost:8082"}, {"origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(drains_, 0);
}

TEST_F(AdminApiTest, ListsTenantsWithoutTheirDigests) {
  Open(file_.Open());
  const json::value list = json::parse(Call("GET /admin/tenants", admin_).body);
  ASSERT_EQ(list.at("tenants").as_array().size(), 2u);
  const json::value& acme = list.at("tenants").at(0);
  EXPECT_EQ(acme.at("name"), "acme");
  EXPECT_EQ(acme.at("priority"), 2);
  EXPECT_EQ(acme.at("requests_per_min"), 60);
  EXPECT_TRUE(acme.at("tokens_per_min").is_null());
  const std::string digest = KeyDigestToHex(DigestOfKey("key-a"));
  EXPECT_EQ(std::string(acme.at("keys").at(0).at("sha256").as_string()), digest.substr(0, 8));
  EXPECT_FALSE(absl::StrContains(json::serialize(list), digest));
}

TEST_F(AdminApiTest, Reloads) {
  Open(file_.Open());
  file_.Write({TenantJson("acme", "key-c")}, AdminKey("admin"));
  EXPECT_EQ(json::parse(Call("POST /admin/tenants/reload", admin_).body).at("tenants"), 1);
  EXPECT_TRUE(tenants_->Authenticate("Bearer key-c").ok());
  file_.WriteText("{}");
  const FakeResponder refused = Call("POST /admin/tenants/reload", admin_);
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(absl::StrContains(refused.body, "'tenants' is required")) << refused.body;
  EXPECT_TRUE(tenants_->Authenticate("Bearer key-c").ok());
}

TEST_F(AdminApiTest, ShowsEverybodysUsage) {
  Open(file_.Open());
  tenants_->Authenticate("Bearer key-b")->account->Bill({.output = 5});
  const json::value usage = json::parse(Call("GET /admin/usage", admin_).body);
  ASSERT_EQ(usage.at("usage").as_array().size(), 2u);
  EXPECT_EQ(usage.at("usage").at(1).at("tenant"), "initech");
  EXPECT_EQ(usage.at("usage").at(1).at("output_tokens"), 5);
}

TEST_F(AdminApiTest, ShowsTheMap) {
  Open(file_.Open());
  EXPECT_EQ(Call("GET /admin/placement", admin_).status, 503);
  auto map = std::make_shared<v1::ClusterMap>();
  map->set_epoch(7);
  for (const bool ready : {true, false}) {
    v1::Worker* worker = map->add_workers();
    worker->set_ready(ready);
    worker->mutable_info()->set_role(v1::ROLE_EXPERT);
    worker->mutable_info()->set_worker_id("expert-a");
    worker->add_experts()->add_experts(3);
    worker->add_experts()->add_experts(4);
  }
  map_ = map;
  const json::value shown = json::parse(Call("GET /admin/placement", admin_).body);
  EXPECT_EQ(shown.at("epoch"), 7);
  EXPECT_EQ(shown.at("scale").at("expert").at("workers"), 2);
  EXPECT_EQ(shown.at("scale").at("expert").at("ready"), 1);
  EXPECT_EQ(shown.at("workers").at(0).at("experts"), 2);
  EXPECT_TRUE(shown.at("scale").at("expert").at("wanted").is_null());
  v1::Activity activity;
  activity.set_wanted_shards(5);
  activity_ = activity;
  EXPECT_EQ(json::parse(Call("GET /admin/placement", admin_).body).at("scale").at("expert").at("wanted"), 5);
}

TEST_F(AdminApiTest, AsksPlacementForAScale) {
  Open(file_.Open());
  const FakeResponder asked = Call("POST /admin/scale", admin_, R"({"expert_shards":6})");
  EXPECT_EQ(asked.status, 202);
  EXPECT_EQ(json::parse(asked.body).at("expert_shards"), 6);
  EXPECT_EQ(wanted_, 6u);
  for (const char* body : {"", "{}", R"({"expert_shards":0})", R"({"expert_shards":"6"})", R"({"expert_shards":1.5})"}) {
    EXPECT_EQ(Call("POST /admin/scale", admin_, body).status, 400) << body;
  }
  EXPECT_EQ(wanted_, 6u);
  scaled_ = absl::InvalidArgumentError("expert_shards is 1; expected 2 (the copies of each expert) to 4096");
  const FakeResponder refused = Call("POST /admin/scale", admin_, R"({"expert_shards":1})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(absl::StrContains(refused.body, "expected 2 (the copies")) << refused.body;
}

TEST_F(AdminApiTest, DrainsThisGatewayOrAnotherProcess) {
  Open(file_.Open());
  for (const char* body : {"", "{}"}) EXPECT_EQ(Call("POST /admin/drain", admin_, body).status, 202) << body;
  EXPECT_EQ(drains_, 2);
  EXPECT_TRUE(drained_.empty());
  EXPECT_EQ(Call("POST /admin/drain", admin_, R"({"worker":"decode-7"})").status, 202);
  EXPECT_EQ(drained_, std::vector<std::string>{"decode-7"});
  for (const char* body : {R"({"worker":""})", R"({"worker":7})", R"({"wroker":"decode-7"})", R"({"worker":"a","b":1})", "[]", "x"}) {
    EXPECT_EQ(Call("POST /admin/drain", admin_, body).status, 400) << body;
  }
  drain_answer_ = absl::NotFoundError("there is no worker decode-8");
  const FakeResponder unknown = Call("POST /admin/drain", admin_, R"({"worker":"decode-8"})");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_TRUE(absl::StrContains(unknown.body, "decode-8")) << unknown.body;
  drain_answer_ = absl::FailedPreconditionError("decode-9: no other decode worker is ready");
  const FakeResponder needed = Call("POST /admin/drain", admin_, R"({"worker":"decode-9"})");
  EXPECT_EQ(needed.status, 409);
  EXPECT_TRUE(absl::StrContains(needed.body, "no other decode worker is ready")) << needed.body;
  EXPECT_EQ(drains_, 2);
  EXPECT_EQ(drained_.size(), 3u);
}

TEST(AdminBindTest, StaysHereWithoutKeys) {
  for (const char* bind : {"127.0.0.1", "::1", "127.1.2.3"}) EXPECT_TRUE(CheckAdminBind(bind, false).ok()) << bind;
  for (const char* bind : {"0.0.0.0", "::", "10.0.0.1", ""}) {
    EXPECT_FALSE(CheckAdminBind(bind, false).ok()) << bind;
    EXPECT_TRUE(CheckAdminBind(bind, true).ok()) << bind;
  }
}

}  // namespace
}  // namespace baleen
