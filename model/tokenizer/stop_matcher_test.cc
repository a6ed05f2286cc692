#include "model/tokenizer/stop_matcher.h"

#include <random>

#include "gtest/gtest.h"

namespace baleen {
namespace {

struct Result {
  std::string text;
  int matched = -1;
  bool operator==(const Result&) const = default;
};

Result Stream(const std::vector<std::string>& stops, const std::string& text, const std::vector<size_t>& cuts) {
  StopMatcher matcher = *StopMatcher::Create(stops);
  Result result;
  size_t from = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t to = i == cuts.size() ? text.size() : cuts[i];
    const StopMatcher::Output output = matcher.Add(absl::string_view(text).substr(from, to - from));
    result.text += output.text;
    if (output.matched >= 0) result.matched = output.matched;
    from = to;
  }
  result.text += matcher.Finish();
  return result;
}

Result Stream(const std::vector<std::string>& stops, const std::string& text) { return Stream(stops, text, {}); }

TEST(StopMatcherTest, CutsAtTheFirstToComplete) {
  EXPECT_EQ(Stream({"END"}, "one END two"), (Result{"one ", 0}));
  EXPECT_EQ(Stream({"x", "\n\n"}, "a\nb\n\nc x"), (Result{"a\nb", 1}));
  EXPECT_EQ(Stream({"abcd", "b"}, "abcd"), (Result{"a", 1}));
  EXPECT_EQ(Stream({"bc", "abc"}, "abc"), (Result{"", 1}));
  EXPECT_EQ(Stream({"END"}, "no stop EN"), (Result{"no stop EN", -1}));
  EXPECT_EQ(Stream({}, "anything"), (Result{"anything", -1}));
}

TEST(StopMatcherTest, HoldsBackOnlyWhatCouldMatch) {
  StopMatcher matcher = *StopMatcher::Create({"aab"});
  EXPECT_EQ(matcher.Add("xa").text, "x");
  EXPECT_EQ(matcher.Add("a").text, "");
  EXPECT_EQ(matcher.Add("a").text, "a");
  const StopMatcher::Output output = matcher.Add("bcd");
  EXPECT_EQ(output.text, "");
  EXPECT_EQ(output.matched, 0);
  EXPECT_EQ(output.after, "cd");
  EXPECT_EQ(matcher.Add("more").text, "");
  EXPECT_EQ(matcher.Finish(), "");
}

TEST(StopMatcherTest, CutsOfTheStreamDoNotMatter) {
  std::mt19937 random(11);
  const std::vector<std::vector<std::string>> sets = {{"aab"}, {"ab", "ba"}, {"abc", "b"}, {"aaa", "aab", "cc"}, {"abcabc", "cab"}};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (size_t length = 1 + random() % 14; text.size() < length;) text.push_back(static_cast<char>('a' + random() % 3));
    for (const auto& stops : sets) {
      std::vector<size_t> every;
      for (size_t at = 1; at < text.size(); ++at) every.push_back(at);
      const Result result = Stream(stops, text, every);
      EXPECT_EQ(Stream(stops, text), result) << text;
      for (size_t cut = 0; cut <= text.size(); ++cut) EXPECT_EQ(Stream(stops, text, {cut}), result) << text << " cut at " << cut;
    }
  }
}

TEST(StopMatcherTest, LimitsAreChecked) {
  EXPECT_FALSE(StopMatcher::Create({""}).ok());
  EXPECT_FALSE(StopMatcher::Create({std::string(StopMatcher::kStopBytesMax + 1, 'x')}).ok());
  EXPECT_FALSE(StopMatcher::Create(std::vector<std::string>(StopMatcher::kStopsMax + 1, "x")).ok());
  EXPECT_NE(StopMatcher::Create({"a", ""}).status().message().find("stop[1]"), absl::string_view::npos);
}

}  // namespace
}  // namespace baleen
