#include "services/gateway/http/origin_guard.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"

namespace baleen {
namespace {

bool Passes(const OriginRules& rules, const std::string& host, const std::string& origin = "") {
  HttpRequest request;
  request.headers = {{"host", host}};
  if (!origin.empty()) request.headers.emplace_back("origin", origin);
  const absl::Status status = CheckOrigin(request, rules);
  EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kPermissionDenied) << status;
  return status.ok();
}

TEST(OriginGuardTest, OnLoopbackTheHostIsALoopbackName) {
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080"}) EXPECT_TRUE(Passes({}, host)) << host;
  for (const char* host : {"", "rebind.example:8080", "10.0.0.1", "localhost.evil.example", "["}) EXPECT_FALSE(Passes({}, host)) << host;
  EXPECT_TRUE(Passes({.loopback_hosts = false}, "chat.example"));
}

TEST(OriginGuardTest, OnlyOwnPagesAreLet) {
  const OriginRules rules{.own_pages = true, .loopback_hosts = false};
  EXPECT_TRUE(Passes(rules, "localhost:8080", "http://localhost:8080"));
  EXPECT_TRUE(Passes(rules, "chat.example", "https://chat.example"));
  EXPECT_TRUE(Passes(rules, "Chat.example", "https://chat.example"));
  for (const char* origin : {"http://localhost:21999", "http://127.0.0.1:8080", "null", "https://evil.example", "localhost:8080",
                             "ftp://localhost:8080", "http://localhost:8080/"}) {
    EXPECT_FALSE(Passes(rules, "localhost:8080", origin)) << origin;
  }
  EXPECT_FALSE(Passes(rules, "", "http://"));
  EXPECT_FALSE(Passes({}, "localhost:8080", "http://localhost:8080"));
}

TEST(OriginGuardTest, AllowedOriginsAreLetAndAreNames) {
  const OriginRules rules{.own_pages = true, .loopback_hosts = true, .allowed = {"https://a.example"}};
  EXPECT_TRUE(Passes(rules, "localhost:8080", "https://a.example"));
  EXPECT_TRUE(Passes(rules, "a.example", "https://a.example"));
  EXPECT_FALSE(Passes(rules, "localhost:8080", "http://a.example"));
  EXPECT_FALSE(Passes(rules, "localhost:8080", "https://a.example.evil"));
  EXPECT_FALSE(Passes(rules, "b.example"));
}

TEST(OriginGuardTest, OriginsAreRead) {
  EXPECT_EQ(*ParseOrigins(""), std::vector<std::string>());
  EXPECT_EQ(*ParseOrigins("https://A.example,http://b.example:8080"),
            (std::vector<std::string>{"https://a.example", "http://b.example:8080"}));
  for (const char* wrong :
       {"*", "null", "a.example", "https://", "https://a.example/", "https://*.example", "https://a b", "https://u@a"}) {
    const auto origins = ParseOrigins(wrong);
    EXPECT_EQ(origins.status().code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_TRUE(absl::StrContains(origins.status().message(), "--allowed_origins")) << origins.status();
  }
}

}  // namespace
}  // namespace baleen
