#include "base/private_text.h"

#include <gtest/gtest.h>

#include <concepts>
#include <sstream>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace baleen {
namespace {

template <typename T>
concept Streams = requires(std::ostringstream& out, const T& value) {
  out << value;
};
template <typename T>
concept Concatenates = requires(const T& value) {
  absl::StrCat(value);
};
template <typename T>
concept Adds = requires(std::string text, const T& value) {
  text += value;
};

static_assert(Streams<std::string> && Concatenates<std::string> && Adds<std::string>, "the concepts see what they are for");
static_assert(!Streams<PrivateText> && !Concatenates<PrivateText> && !Adds<PrivateText>);
static_assert(!std::convertible_to<PrivateText, std::string> && !std::convertible_to<PrivateText, std::string_view>);
static_assert(!std::convertible_to<PrivateText, absl::string_view> && !std::convertible_to<std::string, PrivateText>);
static_assert(!std::constructible_from<absl::Status, absl::StatusCode, PrivateText>);

TEST(PrivateTextTest, ShowsItsSizeAlone) {
  const PrivateText text("hello, world");
  EXPECT_EQ(text.Redacted(), "[12 bytes]");
  EXPECT_EQ(testing::PrintToString(text), "[12 bytes]");
  EXPECT_EQ(PrivateText().Redacted(), "[0 bytes]");
}

TEST(PrivateTextTest, RevealsWhenAsked) {
  PrivateText text("b");
  text.Append(PrivateText("c"));
  text.Prepend(PrivateText("a"));
  EXPECT_EQ(text, PrivateText("abc"));
  EXPECT_EQ(text.size(), 3u);
  EXPECT_EQ(text.reveal(), "abc");
  EXPECT_EQ(std::move(text).reveal(), "abc");
  EXPECT_TRUE(PrivateText().empty());
}

}  // namespace
}  // namespace baleen
