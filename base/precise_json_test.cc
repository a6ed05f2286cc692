#include "base/precise_json.h"

#include <boost/json.hpp>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(PreciseJsonTest, DoublesAreTheNearest) {
  const absl::StatusOr<boost::json::value> value =
      ParsePreciseJson(R"({"a":[3e23,-3e23,8.41e21,9007199254740993.0,0.3,123456789012345678901234567890]})", 4);
  ASSERT_TRUE(value.ok()) << value.status();
  const boost::json::array& numbers = value->at("a").as_array();
  const double nearest[] = {3e23, -3e23, 8.41e21, 9007199254740993.0, 0.3, 123456789012345678901234567890.0};
  for (size_t i = 0; i < std::size(nearest); ++i) EXPECT_EQ(numbers[i].as_double(), nearest[i]) << i;
}

TEST(PreciseJsonTest, AllElseIsAsTheLibraryHasIt) {
  const char* const text = R"( {"a\u00e9" : [1, -2, 18446744073709551615, true, null, "x\ny", {}, []], "b":{"a":0.25}, "b" : "last"} )";
  const absl::StatusOr<boost::json::value> value = ParsePreciseJson(text, 4);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, boost::json::parse(text));
}

TEST(PreciseJsonTest, RefusesWhatIsNoJsonOrHasNoDouble) {
  for (const char* text : {"", "{", "{}x", "{} {}", "[1e999]", "[-1e999]", "[[[[[]]]]]"})
    EXPECT_FALSE(ParsePreciseJson(text, 4).ok()) << text;
  EXPECT_TRUE(absl::StrContains(ParsePreciseJson("[1e999]", 4).status().message(), "out of range"));
  EXPECT_EQ(ParsePreciseJson("[1e-999]", 4)->at(0).as_double(), 0.0);
}

}  // namespace
}  // namespace baleen
