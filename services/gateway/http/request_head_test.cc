#include "services/gateway/http/request_head.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace baleen {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

RequestHead Head(const std::string& target, const Fields& fields, unsigned version = 11) {
  RequestHead head;
  head.method_string("GET");
  head.target(target);
  head.version(version);
  for (const auto& [name, value] : fields) head.insert(name, value);
  return head;
}

HttpRequest Read(const std::string& target, const Fields& fields = {{"Host", "here"}}) {
  const auto head = ReadHead(Head(target, fields));
  EXPECT_TRUE(std::holds_alternative<HttpRequest>(head)) << target;
  return std::get<HttpRequest>(head);
}

// The status of the refusal; 0 = it is none.
int Refused(const Fields& fields, const std::string& target = "/", unsigned version = 11) {
  const auto head = ReadHead(Head(target, fields, version));
  const HeadRefusal* const refusal = std::get_if<HeadRefusal>(&head);
  EXPECT_TRUE(refusal == nullptr || refusal->sentence.back() == '.');
  return refusal == nullptr ? 0 : refusal->status;
}

TEST(RequestHeadTest, PathsAreDecoded) {
  EXPECT_EQ(Read("/v1/models/aba%63us?q=%zz").path, "/v1/models/abacus");
  EXPECT_EQ(Read("/Deep%20Seek%20%C3%A9").path, "/Deep Seek \xC3\xA9");
  EXPECT_EQ(Read("/%2541").path, "/%41");
  EXPECT_EQ(Read("/a+b").path, "/a+b");
}

TEST(RequestHeadTest, WrongEscapesAreRefused) {
  for (const char* target : {"/%", "/%4", "/%4g", "/%g4", "/a%", "/%FF", "/%C3", "/%C3%28", "/%ED%A0%80", "/%+1"}) {
    EXPECT_EQ(Refused({{"Host", "here"}}, target), 400) << target;
  }
}

TEST(RequestHeadTest, AnAbsoluteTargetIsItsPathAndItsAuthorityTheHost) {
  const HttpRequest whole = Read("http://there:80/v1/models?q", {{"Host", "here"}, {"X-A", "b"}});
  EXPECT_EQ(whole.path, "/v1/models");
  EXPECT_EQ(whole.headers, (HttpHeaders{{"host", "there:80"}, {"x-a", "b"}}));
  EXPECT_EQ(Read("HTTPS://there").path, "/");
  EXPECT_EQ(Read("http://there?q=/").path, "/");
  EXPECT_EQ(Read("/http://there/").path, "/http://there/");
}

TEST(RequestHeadTest, AHostIsAskedForOnceSinceHttp11) {
  EXPECT_EQ(Refused({}), 400);
  EXPECT_EQ(Refused({{"Host", "a"}, {"Host", "a"}}), 400);
  EXPECT_EQ(Refused({{"Host", ""}}), 0);
  EXPECT_EQ(Refused({}, "/", 10), 0);
}

TEST(RequestHeadTest, OnlyChunksAreATransferCoding) {
  EXPECT_EQ(Refused({{"Host", "a"}, {"Transfer-Encoding", "Chunked"}}), 0);
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, chunked", "identity", ""}) {
    EXPECT_EQ(Refused({{"Host", "a"}, {"Transfer-Encoding", coding}}), 501) << coding;
  }
  EXPECT_EQ(Refused({{"Host", "a"}, {"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}}), 501);
}

TEST(RequestHeadTest, OnlyOneExpectationIsKnown) {
  EXPECT_EQ(Refused({{"Host", "a"}, {"Expect", "100-Continue"}}), 0);
  EXPECT_EQ(Refused({{"Host", "a"}, {"Expect", "tea"}}), 417);
  EXPECT_EQ(Refused({{"Expect", "tea"}}, "/", 10), 0);
  EXPECT_TRUE(WaitsForContinue(Head("/", {{"Expect", "100-continue"}})));
  EXPECT_FALSE(WaitsForContinue(Head("/", {{"Expect", "100-continue"}}, 10)));
  EXPECT_FALSE(WaitsForContinue(Head("/", {})));
}

}  // namespace
}  // namespace baleen
