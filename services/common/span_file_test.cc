#include "services/common/span_file.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

namespace baleen {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TraceSpan Example() {
  TraceSpan span =
      SpanInside({std::string(16, '\x0a'), std::string(8, '\x0b'), true}, "prefill", absl::FromUnixNanos(7), absl::FromUnixNanos(9));
  span.attributes = {{"baleen.rows", int64_t{3}}, {"baleen.worker", "decode-1"}};
  span.failed = true;
  return span;
}

TEST(SpanFileTest, WritesOtlpJsonLines) {
  const std::string path = testing::TempDir() + "/spans.jsonl";
  SpanFile file(path);
  ASSERT_TRUE(file.Append({{"service.name", "baleen-decode"}}, {Example()}));
  const std::string text = ReadAll(path);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const boost::json::value line = boost::json::parse(text);
  const boost::json::value& resource = line.at("resourceSpans").at(0);
  EXPECT_EQ(resource.at("resource").at("attributes").at(0).at("value").at("stringValue"), "baleen-decode");
  const boost::json::value& span = resource.at("scopeSpans").at(0).at("spans").at(0);
  EXPECT_EQ(span.at("traceId"), "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
  EXPECT_EQ(span.at("parentSpanId"), "0b0b0b0b0b0b0b0b");
  EXPECT_EQ(span.at("spanId").as_string().size(), 16u);
  EXPECT_EQ(span.at("startTimeUnixNano"), "7");
  EXPECT_EQ(span.at("endTimeUnixNano"), "9");
  EXPECT_EQ(span.at("attributes").at(0).at("value").at("intValue"), "3");
  EXPECT_EQ(span.at("status").at("code"), 2);
}

TEST(SpanFileTest, GrowsNoFurtherThanItMay) {
  const std::string path = testing::TempDir() + "/full.jsonl";
  SpanFile file(path, 600);
  EXPECT_TRUE(file.Append({}, {Example()}));
  EXPECT_FALSE(file.Append({}, {Example(), Example()}));
  EXPECT_LE(ReadAll(path).size(), 600u);
}

TEST(SpanFileTest, SaysThatItCannotWrite) {
  SpanFile file("/nonexistent/spans.jsonl");
  EXPECT_FALSE(file.Append({}, {Example()}));
}

}  // namespace
}  // namespace baleen
