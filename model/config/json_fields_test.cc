#include "model/config/json_fields.h"

#include <gtest/gtest.h>

#include <fstream>

namespace baleen {
namespace {

JsonFields MustParse(const std::string& text) {
  absl::StatusOr<JsonFields> fields = JsonFields::Parse(text, "f.json");
  EXPECT_TRUE(fields.ok()) << fields.status();
  return *std::move(fields);
}

TEST(JsonFields, ReadsEachType) {
  JsonFields fields = MustParse(R"({"i": 7, "n": 2, "x": 0.5, "b": true, "s": "text", "l": [1, 2], "one": 3, "m": {"k": "v"}, "z": null})");
  int64_t i = 0;
  double n = 0, x = 0;
  bool b = false;
  std::string s;
  std::vector<int64_t> l, one;
  std::vector<std::pair<std::string, std::string>> m;
  EXPECT_TRUE(fields.Int("i", 0, 10, &i));
  EXPECT_TRUE(fields.Number("n", 0, 10, &n));
  EXPECT_TRUE(fields.Number("x", 0, 10, &x));
  EXPECT_TRUE(fields.Bool("b", &b));
  EXPECT_TRUE(fields.String("s", &s));
  EXPECT_TRUE(fields.Ints("l", 0, 10, &l));
  EXPECT_TRUE(fields.Ints("one", 0, 10, &one));
  EXPECT_TRUE(fields.StringMap("m", &m));
  EXPECT_FALSE(fields.Int("z", 0, 10, &i));
  EXPECT_FALSE(fields.Has("z"));
  EXPECT_TRUE(fields.status().ok());
  EXPECT_EQ(i, 7);
  EXPECT_EQ(n, 2.0);
  EXPECT_EQ(x, 0.5);
  EXPECT_TRUE(b);
  EXPECT_EQ(s, "text");
  EXPECT_EQ(l, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(one, std::vector<int64_t>{3});
  EXPECT_EQ(m.at(0).second, "v");
}

TEST(JsonFields, FirstProblemSticksAndNamesTheNestedField) {
  JsonFields fields = MustParse(R"({"outer": {"inner": "x"}, "late": 1.5})");
  std::optional<JsonFields> outer = fields.Object("outer");
  ASSERT_TRUE(outer.has_value());
  int64_t value = 5;
  EXPECT_FALSE(outer->Int("inner", 0, 9, &value));
  EXPECT_FALSE(fields.Int("late", 0, 9, &value));
  EXPECT_EQ(value, 5);
  EXPECT_EQ(fields.status().message(), "f.json: outer.inner: must be an integer from 0 to 9");
}

TEST(JsonFields, RefusesWrongTypesAndRanges) {
  const char* const text = R"({"big": 18446744073709551615, "f": 1.0, "s": "1", "l": [1, "2"], "o": []})";
  const auto fails = [&](auto read) {
    JsonFields fields = MustParse(text);
    EXPECT_FALSE(read(fields));
    return fields.status().code() == absl::StatusCode::kInvalidArgument;
  };
  int64_t i;
  double n;
  std::vector<int64_t> l;
  std::vector<std::string> s;
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.Int("big", 0, INT64_MAX, &i); }));
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.Int("f", 0, 9, &i); }));
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.Number("s", 0, 9, &n); }));
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.Number("f", 2, 9, &n); }));
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.Ints("l", 0, 9, &l); }));
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.Strings("l", &s); }));
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.Object("o").has_value(); }));
  EXPECT_TRUE(fails([&](JsonFields& f) { return f.RequiredInt("absent", 0, 9, &i); }));
}

TEST(JsonFields, RefusesWhatIsNoObject) {
  for (const std::string text : {"", "[]", "{", "{} x", "{\"a\": NaN}", "nul"}) {
    EXPECT_EQ(JsonFields::Parse(text, "f.json").status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(JsonFields::Parse("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", "f.json").ok());
}

TEST(JsonFields, LoadBoundsTheFile) {
  const std::string path = testing::TempDir() + "/bounded.json";
  std::ofstream(path) << "{\"a\": 1}";
  EXPECT_TRUE(JsonFields::Load(path, 8).ok());
  EXPECT_EQ(JsonFields::Load(path, 7).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(JsonFields::Load(path + ".absent", 7).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace baleen
