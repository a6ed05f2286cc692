#include "services/gateway/web/web_page.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "services/gateway/testing/fake_responder.h"

namespace baleen {
namespace {

TEST(WebPageTest, EveryKindHasItsType) {
  for (const auto& [name, type] : HttpHeaders{{"index.html", "text/html; charset=utf-8"},
                                              {"app.js", "text/javascript; charset=utf-8"},
                                              {"katex.js", "text/javascript; charset=utf-8"},
                                              {"base.css", "text/css; charset=utf-8"},
                                              {"favicon.svg", "image/svg+xml"}}) {
    FakeResponder answer;
    ASSERT_TRUE(RespondWebFile(name, HttpRequest(), answer)) << name;
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.Header("content-type"), type);
    EXPECT_EQ(answer.Header("x-content-type-options"), "nosniff");
    EXPECT_FALSE(answer.body.empty());
  }
}

TEST(WebPageTest, NothingInlineAndNobodyElse) {
  FakeResponder answer;
  ASSERT_TRUE(RespondWebFile("index.html", HttpRequest(), answer));
  const std::string policy = answer.Header("content-security-policy");
  EXPECT_TRUE(absl::StartsWith(policy, "default-src 'none'"));
  EXPECT_FALSE(absl::StrContains(policy, "unsafe"));
  EXPECT_FALSE(absl::StrContains(answer.body, "://"));
  EXPECT_FALSE(absl::StrContains(answer.body, "style="));
}

TEST(WebPageTest, WhatTheBrowserHasIsNotSentAgain) {
  FakeResponder first, second, changed;
  ASSERT_TRUE(RespondWebFile("app.js", HttpRequest(), first));
  HttpRequest again;
  again.headers = {{"if-none-match", first.Header("etag")}};
  ASSERT_TRUE(RespondWebFile("app.js", again, second));
  EXPECT_EQ(second.status, 304);
  EXPECT_TRUE(second.body.empty());
  ASSERT_TRUE(RespondWebFile("base.css", again, changed));
  EXPECT_EQ(changed.status, 200);
}

TEST(WebPageTest, NothingElseIsThere) {
  FakeResponder answer;
  EXPECT_FALSE(RespondWebFile("../main.cc", HttpRequest(), answer));
  EXPECT_FALSE(RespondWebFile("", HttpRequest(), answer));
  EXPECT_EQ(answer.status, 0);
}

}  // namespace
}  // namespace baleen
