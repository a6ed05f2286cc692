#include "model/sampling/grammar/json_schema.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "model/sampling/grammar/grammar_matcher.h"
#include "model/sampling/grammar/grammar_spec.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

class JsonSchemaTest : public testing::Test {
 protected:
  absl::StatusOr<Grammar> Compile(const std::string& schema) {
    GrammarSpec spec;
    spec.alternatives = {{GrammarJsonSchema{schema}}};
    return CompileGrammar(spec);
  }

  // Whether the bytes of `text`, one token each, are a whole text of the schema.
  bool Admits(const std::string& schema, const std::string& text) {
    absl::StatusOr<Grammar> grammar = Compile(schema);
    EXPECT_TRUE(grammar.ok()) << schema << ": " << grammar.status();
    if (!grammar.ok()) return false;
    GrammarMatcher matcher(std::make_shared<Grammar>(*std::move(grammar)), vocabulary_, absl::nullopt, {1});
    return matcher.MayEnd(tokenizer_->Encode(text, AddedTokens::kText));
  }

  void ExpectRefused(const std::string& schema, const std::string& word) {
    const absl::Status status = Compile(schema).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << schema;
    EXPECT_TRUE(absl::StrContains(status.message(), word)) << schema << ": " << status;
  }

  std::unique_ptr<Tokenizer> tokenizer_ = MakeTinyTokenizer();
  std::shared_ptr<GrammarVocabulary> vocabulary_ = std::make_shared<GrammarVocabulary>(*tokenizer_, tokenizer_->size());
};

TEST_F(JsonSchemaTest, JsonValues) {
  for (const char* text : {"{}", "[]", "null", "true", "-0", "12.50e-3", "\"a\\n\\u00e9\\\"\"", "\"ü🙂\"", "[1, [2,\n  3], {}]",
                           R"({"a":{"b":[{}]}})", R"({ "a" : 1 , "b":null })"}) {
    EXPECT_TRUE(Admits("{}", text)) << text;
  }
  for (const char* text : {"", "{", "[1,]", "{a:1}", "01", "1.", ".5", "+1", "nul", "\"\n\"", "\"\\x\"", "\"\\ud800\"", "\"a", "[1 2]",
                           "{\"a\" 1}", "tru e", "1e999", " 1"}) {
    EXPECT_FALSE(Admits("{}", text)) << text;
  }
  EXPECT_FALSE(Admits("{}", "\"\xC3\""));
  EXPECT_FALSE(Admits("{}", "\"\xED\xA0\x80\""));
}

TEST_F(JsonSchemaTest, Objects) {
  const std::string schema = R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"null"}},
                                 "required":["a","c"],"additionalProperties":false})";
  EXPECT_TRUE(Admits(schema, R"({"a":1,"c":null})"));
  EXPECT_TRUE(Admits(schema, R"({"a": 1, "b": "x", "c": null})"));
  for (const char* text :
       {R"({"a":1})", R"({"c":null,"a":1})", R"({"a":1,"c":null,})", R"({"a":1,"c":null,"d":1})", R"({"a":"1","c":null})", "{}"}) {
    EXPECT_FALSE(Admits(schema, text)) << text;
  }
  const std::string optional = R"({"properties":{"a":{},"b":{}}})";
  for (const char* text : {"{}", R"({"a":1})", R"({"b":1})", R"({"a":1,"b":2})"}) EXPECT_TRUE(Admits(optional, text)) << text;
  const std::string map = R"({"type":"object","additionalProperties":{"type":"boolean"}})";
  EXPECT_TRUE(Admits(map, R"({"x":true,"y":false})"));
  EXPECT_FALSE(Admits(map, R"({"x":1})"));
  EXPECT_TRUE(Admits(R"({"required":["z"]})", R"({"z":[]})"));
  EXPECT_TRUE(Admits(R"({"properties":{"\"é\n":{}}})", R"({"\"é\n":1})"));
}

TEST_F(JsonSchemaTest, ArraysStringsAndEnumerations) {
  const std::string array = R"({"type":"array","items":{"enum":[1,10,"a"]},"minItems":1,"maxItems":3})";
  for (const char* text : {"[1]", "[10,1]", "[\"a\",1,10]"}) EXPECT_TRUE(Admits(array, text)) << text;
  for (const char* text : {"[]", "[1,1,1,1]", "[2]", "[100]"}) EXPECT_FALSE(Admits(array, text)) << text;
  EXPECT_TRUE(Admits(R"({"items":{},"maxItems":0})", "[]"));
  const std::string string = R"({"type":"string","minLength":2,"maxLength":3})";
  for (const char* text : {"\"ab\"", "\"üöä\"", "\"\\n\\u0041x\""}) EXPECT_TRUE(Admits(string, text)) << text;
  for (const char* text : {"\"a\"", "\"abcd\""}) EXPECT_FALSE(Admits(string, text)) << text;
  EXPECT_TRUE(Admits(R"({"const":{"a":[1,null]}})", R"({"a":[1,null]})"));
  EXPECT_TRUE(Admits(R"({"type":["string","null"]})", "null"));
  EXPECT_FALSE(Admits(R"({"type":"integer","enum":[1,"a"]})", "\"a\""));
}

TEST_F(JsonSchemaTest, IntegerBounds) {
  const auto schema = [](int64_t low, int64_t high) {
    return absl::StrCat(R"({"type":"integer","minimum":)", low, R"(,"maximum":)", high, "}");
  };
  const std::pair<int64_t, int64_t> ranges[] = {{0, 0}, {1, 5}, {0, 10}, {7, 123}, {99, 101}, {-5, 5}, {-120, -7}, {-1, 0}, {305, 572}};
  for (const auto& [low, high] : ranges) {
    const absl::StatusOr<Grammar> grammar = Compile(schema(low, high));
    ASSERT_TRUE(grammar.ok()) << grammar.status();
    GrammarMatcher matcher(std::make_shared<Grammar>(*grammar), vocabulary_, absl::nullopt, {1});
    for (int64_t number = -1300; number <= 1300; ++number) {
      EXPECT_EQ(matcher.MayEnd(tokenizer_->Encode(absl::StrCat(number), AddedTokens::kText)), low <= number && number <= high)
          << number << " in " << low << ".." << high;
    }
  }
  EXPECT_FALSE(Admits(R"({"type":"integer","exclusiveMinimum":3})", "3"));
  EXPECT_TRUE(Admits(R"({"type":"integer","exclusiveMinimum":3})", "9999999999999999"));
  EXPECT_FALSE(Admits(R"({"type":"integer"})", "1.0"));
}

TEST_F(JsonSchemaTest, References) {
  const std::string tree = R"({"$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},
      "next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"],"additionalProperties":false}},
      "$ref":"#/$defs/node"})";
  EXPECT_TRUE(Admits(tree, R"({"v":1,"next":{"v":2,"next":null}})"));
  EXPECT_FALSE(Admits(tree, R"({"v":1,"next":2})"));
  EXPECT_TRUE(Admits(R"({"type":"array","items":{"$ref":"#"}})", "[[],[[]]]"));
}

TEST_F(JsonSchemaTest, NestingEndsWhereTheLimitIs) {
  const auto nested = [](int depth) { return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']'); };
  EXPECT_TRUE(Admits("{}", nested(30)));
  EXPECT_FALSE(Admits("{}", nested(200)));
}

TEST_F(JsonSchemaTest, RefusesByName) {
  ExpectRefused("{", "JSON");
  ExpectRefused("3", "must be an object");
  ExpectRefused("false", "admits nothing");
  ExpectRefused(R"({"properties":{"a":{"pattern":"x"}}})", "/properties/a': 'pattern'");
  for (const char* keyword : {"oneOf", "not", "prefixItems", "uniqueItems", "multipleOf", "patternProperties"}) {
    ExpectRefused(absl::StrCat("{\"", keyword, "\":true}"), keyword);
  }
  ExpectRefused(R"({"type":"float"})", "'type'");
  ExpectRefused(R"({"type":[]})", "'type'");
  ExpectRefused(R"({"enum":[]})", "enum");
  ExpectRefused(R"({"$ref":"#/$defs/none"})", "points to nothing");
  ExpectRefused(R"({"$ref":"https://example.com/schema"})", "into this schema");
  ExpectRefused(R"({"$ref":"#","type":"object"})", "beside");
  ExpectRefused(R"({"type":"string","minLength":3,"maxLength":2})", "minLength");
  ExpectRefused(R"({"type":"string","maxLength":-1})", "maxLength");
  ExpectRefused(R"({"type":"string","maxLength":1e300})", "maxLength");
  ExpectRefused(R"({"type":"integer","minimum":1.5})", "minimum");
  ExpectRefused(R"({"type":"integer","minimum":5,"maximum":4})", "bounds");
  ExpectRefused(R"({"type":"number","minimum":5})", "integers only");
  ExpectRefused(R"({"required":["a"],"additionalProperties":false})", "'a'");
}

TEST_F(JsonSchemaTest, RefusesWhatIsEndlessOrTooLarge) {
  ExpectRefused(R"({"$ref":"#"})", "no text that ends");
  ExpectRefused(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", "no text that ends");
  ExpectRefused(R"({"type":"string","maxLength":65536})", "too large");
  ExpectRefused(std::string(40, '[') + std::string(40, ']'), "levels");
  ExpectRefused("\"" + std::string(70000, 'x') + "\"", "bytes");
  std::string chain = R"({"$defs":{"d0":{})";
  for (int i = 1; i < 1000; ++i) absl::StrAppend(&chain, ",\"d", i, R"(":{"$ref":"#/$defs/d)", i - 1, "\"}");
  ExpectRefused(chain + R"(},"$ref":"#/$defs/d999"})", "nest deeper");
}

}  // namespace
}  // namespace baleen
