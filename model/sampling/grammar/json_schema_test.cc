#include "model/sampling/grammar/json_schema.h"

#include <pthread.h>

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "model/sampling/grammar/grammar_matcher.h"
#include "model/sampling/grammar/grammar_spec.h"
#include "model/sampling/grammar/json_schema_keywords.h"
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

TEST_F(JsonSchemaTest, NothingBesideAnEnumerationIsDropped) {
  ExpectRefused(R"({"enum":[[1],[1,2]],"maxItems":1})", "'maxItems' beside 'enum'");
  ExpectRefused(R"({"enum":[{"a":1},{"b":1}],"required":["a"]})", "'required' beside 'enum'");
  ExpectRefused(R"({"enum":[[1],["x"]],"items":{"type":"integer"}})", "'items' beside 'enum'");
  ExpectRefused(R"({"const":"a","format":"date"})", "'format' beside 'const'");
  ExpectRefused(R"({"const":1,"enum":[1]})", "'enum' beside 'const'");
  EXPECT_TRUE(Admits(R"({"enum":["a","b"],"type":"string","title":"T","default":"a"})", "\"a\""));
}

TEST_F(JsonSchemaTest, WholeNumbersAreIntegersHoweverTheyAreWritten) {
  EXPECT_TRUE(Admits(R"({"type":"integer","enum":[1.0,2.5]})", "1"));
  EXPECT_TRUE(Admits(R"({"const":-3e2})", "-300"));
  EXPECT_TRUE(Admits(R"({"const":0.25})", "0.25"));
  EXPECT_FALSE(Admits(R"({"type":"integer","enum":[1,2.5]})", "2.5"));
}

TEST_F(JsonSchemaTest, NumbersAreThoseThatWereWritten) {
  EXPECT_TRUE(Admits(R"({"const":3e23})", "3e+23"));
  EXPECT_TRUE(Admits(R"({"const":[3e23]})", "[3E23]"));
  ExpectRefused(R"({"const":1e999})", "out of range");
  ExpectRefused(R"({"enum":[1,[{"a":-1e999}]]})", "out of range");
}

TEST_F(JsonSchemaTest, APropertyIsRequiredOnce) {
  EXPECT_TRUE(Admits(R"({"required":["z","z"]})", R"({"z":1})"));
  EXPECT_FALSE(Admits(R"({"required":["z","z"]})", R"({"z":1,"z":2})"));
}

// The keywords of 2020-12's applicator, unevaluated, validation and format vocabularies, references, and draft 7's two.
TEST_F(JsonSchemaTest, EveryKeywordIsKeptOrRefused) {
  struct Kept {
    const char* keywords;
    const char* good;
    const char* bad;
  };
  const Kept kept[] = {
      {R"("type":"string")", R"("a")", "1"},
      {R"("enum":[1,2])", "2", "3"},
      {R"("const":[1])", "[1]", "[2]"},
      {R"("anyOf":[{"type":"null"},{"const":1}])", "1", "2"},
      {R"("allOf":[{"const":1}])", "1", "2"},
      {R"("$defs":{"a":{"const":1}},"$ref":"#/$defs/a")", "1", "2"},
      {R"("properties":{"a":{"type":"null"}})", R"({"a":null})", R"({"a":1})"},
      {R"("required":["a"])", R"({"a":null})", "{}"},
      {R"("additionalProperties":{"type":"null"})", R"({"a":null})", R"({"a":1})"},
      {R"("items":{"type":"null"})", "[null]", "[1]"},
      {R"("type":"array","minItems":1)", "[1]", "[]"},
      {R"("type":"array","maxItems":1)", "[1]", "[1,1]"},
      {R"("type":"string","minLength":1)", R"("a")", R"("")"},
      {R"("type":"string","maxLength":1)", R"("a")", R"("aa")"},
      {R"("type":"string","format":"date")", R"("2026-11-27")", R"("2026-11-31")"},
      {R"("type":"integer","minimum":3)", "3", "2"},
      {R"("type":"integer","maximum":3)", "3", "4"},
      {R"("type":"integer","exclusiveMinimum":3)", "4", "3"},
      {R"("type":"integer","exclusiveMaximum":3)", "2", "3"},
  };
  for (const Kept& row : kept) {
    const std::string schema = absl::StrCat("{", row.keywords, "}");
    EXPECT_TRUE(Admits(schema, row.good)) << schema;
    EXPECT_FALSE(Admits(schema, row.bad)) << schema;
  }
  const std::pair<const char*, const char*> refused[] = {
      {"oneOf", "[{}]"},
      {"not", "{}"},
      {"if", "false"},
      {"then", "false"},
      {"else", "false"},
      {"pattern", "\"x\""},
      {"patternProperties", "{}"},
      {"propertyNames", "false"},
      {"minProperties", "1"},
      {"maxProperties", "1"},
      {"dependentRequired", R"({"a":["b"]})"},
      {"dependentSchemas", R"({"a":{}})"},
      {"dependencies", R"({"a":["b"]})"},
      {"unevaluatedProperties", "false"},
      {"unevaluatedItems", "false"},
      {"prefixItems", "[{}]"},
      {"additionalItems", "false"},
      {"contains", "{}"},
      {"minContains", "1"},
      {"maxContains", "1"},
      {"uniqueItems", "true"},
      {"multipleOf", "2"},
      {"$dynamicRef", "\"#a\""},
      {"$recursiveRef", "\"#\""},
  };
  for (const auto& [keyword, value] : refused) {
    for (const char* beside : {"", R"("type":"object",)", R"("type":"array",)", R"("type":["string","integer"],)"}) {
      const std::string schema = absl::StrCat("{", beside, "\"", keyword, "\":", value, "}");
      ExpectRefused(absl::StrCat(R"({"properties":{"a/b":)", schema, "}}"), "at '/properties/a~1b': ");
      ExpectRefused(schema, absl::StrCat("'", keyword, "'"));
    }
  }
}

TEST_F(JsonSchemaTest, AnnotationsAreLetThrough) {
  const std::string schema = R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/a","title":"T",
      "description":"D","default":1,"examples":[1],"$comment":"C","deprecated":true,"readOnly":true,"writeOnly":false,"x-order":1,
      "contentEncoding":"base64","uniqueItems":false,"type":"null"})";
  EXPECT_TRUE(Admits(schema, "null"));
  EXPECT_FALSE(Admits(schema, "1"));
}

TEST_F(JsonSchemaTest, Formats) {
  struct Format {
    const char* name;
    std::vector<std::string> good;
    std::vector<std::string> bad;
  };
  const Format formats[] = {
      {"date",
       {"2026-11-27", "2024-02-29", "2000-02-29", "0001-01-31", "1999-04-30", "2025-02-28"},
       {"2026-11-31", "2026-02-29", "1900-02-29", "0000-01-01", "2026-13-01", "2026-00-10", "2026-1-1", "2026-01-00", "20261127", ""}},
      {"time",
       {"00:00:00Z", "23:59:59.123456789+14:00", "09:05:01.5-03:30"},
       {"24:00:00Z", "12:60:00Z", "12:00:60Z", "12:00Z", "12:00:00", "12:00:00.Z", "12:00:00+24:00"}},
      {"date-time",
       {"2026-11-27T10:00:00Z", "2024-02-29T23:59:59.1+01:00"},
       {"2026-11-27", "2026-11-27 10:00:00Z", "2023-02-29T10:00:00Z"}},
      {"uuid",
       {"123e4567-e89b-12d3-a456-42661417400F"},
       {"123e4567e89b12d3a45642661417400f", "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-42661417400g"}},
      {"duration", {"P1Y2M3DT4H5M6S", "P2W", "PT0S", "P1DT12H", "P1M"}, {"P", "PT", "1D", "P1H", "P1W2D", "PT1H1S", "P1Y1D"}},
      {"ipv6",
       {"::", "::1", "1::", "2001:db8::FF00:42:8329", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"},
       {":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "g::"}},
      {"hostname", {"localhost", "a-b.example.com"}, {"", "-a", "a-", "a..b", "a.b.", "a_b", "xn--a"}},
      {"email",
       {"ann.lee+x@mail.example.com", "A_1@b-c.de"},
       {"ann", "@b.de", "ann@", "ann@b", ".a@b.de", "a.@b.de", "a@b..de", "a b@c.de"}},
      {"ipv4", {"0.0.0.0", "255.249.99.1"}, {"256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5"}},
  };
  for (const Format& format : formats) {
    const std::string schema = absl::StrCat(R"({"type":"string","format":")", format.name, "\"}");
    for (const std::string& text : format.good) EXPECT_TRUE(Admits(schema, "\"" + text + "\"")) << format.name << " " << text;
    for (const std::string& text : format.bad) EXPECT_FALSE(Admits(schema, "\"" + text + "\"")) << format.name << " " << text;
  }
  ExpectRefused(R"({"type":"string","format":"uri"})", "the format 'uri' is not supported");
  ExpectRefused(R"({"type":"string","format":"date","maxLength":5})", "'maxLength' beside 'format'");
  EXPECT_TRUE(Admits(R"({"type":"integer","format":"int64"})", "5"));
}

TEST_F(JsonSchemaTest, ReferencesByFragmentAndAnchor) {
  EXPECT_TRUE(Admits(R"({"$defs":{"a b":{"const":1}},"$ref":"#/$defs/a%20b"})", "1"));
  EXPECT_TRUE(Admits(R"({"$defs":{"a/b":{"const":1}},"$ref":"#/$defs/a~1b"})", "1"));
  EXPECT_TRUE(Admits(R"({"$defs":{"x":{"$anchor":"one","const":1}},"items":{"$ref":"#one"}})", "[1]"));
  ExpectRefused(R"({"$defs":{"x":{"$anchor":"one"}},"$ref":"#two"})", "points to nothing");
  ExpectRefused(R"({"$defs":{"a":{}},"$ref":"#/$defs/a%2"})", "points to nothing");
  ExpectRefused(R"({"$defs":{"x":{"$id":"https://example.com/x"}},"$ref":"#/$defs/x"})", "at '/$defs/x': '$id'");
}

TEST_F(JsonSchemaTest, WhatIsNoSchemaIsToldApartFromWhatIsNotKept) {
  for (const char* schema : {"{}", "true", R"({"pattern":"x","oneOf":[{"type":"null"}]})", R"({"items":[{"type":"null"}]})",
                             R"({"exclusiveMinimum":true})", R"({"enum":[{"type":"banana"}],"default":{"type":"banana"}})"}) {
    EXPECT_TRUE(CheckJsonSchema(schema).ok()) << schema << ": " << CheckJsonSchema(schema);
  }
  const std::pair<const char*, const char*> bad[] = {
      {"nope", "not JSON"},
      {"3", "at '/': a schema must be"},
      {R"({"type":"banana"})", "at '/': 'type' must be"},
      {R"({"properties":{"a":{"type":"banana"}}})", "at '/properties/a': 'type' must be"},
      {R"({"not":{"items":[{}, {"required":true}]}})", "at '/not/items/1': 'required' must be"},
      {R"({"properties":[]})", "'properties' must be"},
      {R"({"anyOf":[]})", "'anyOf' must be"},
      {R"({"pattern":7})", "'pattern' must be"},
  };
  for (const auto& [schema, words] : bad) {
    EXPECT_TRUE(absl::StrContains(CheckJsonSchema(schema).message(), words)) << schema << ": " << CheckJsonSchema(schema);
  }
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

// Small stacks show what nests with a text's length.
void OnASmallStack(void* (*work)(void*), void* argument) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, work, argument), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

absl::Status CompileOnASmallStack(const std::string& schema) {
  struct Work {
    GrammarSpec spec;
    absl::Status status;
  } work;
  work.spec.alternatives = {{GrammarJsonSchema{schema}}};
  OnASmallStack(
      [](void* argument) -> void* {
        auto* mine = static_cast<Work*>(argument);
        mine->status = CompileGrammar(mine->spec).status();
        return nullptr;
      },
      &work);
  return work.status;
}

TEST_F(JsonSchemaTest, LongTextsWithACommonBeginningNeedNoStack) {
  const std::string common(32000, 'x');
  EXPECT_TRUE(CompileOnASmallStack(absl::StrCat("{\"enum\":[\"", common, "1\",\"", common, "2\"]}")).ok());
  std::string numbers = "0.5";  // Written out, 5E-1.
  for (int i = 1; i < 8000; ++i) numbers += ",0.5";
  EXPECT_TRUE(CompileOnASmallStack(absl::StrCat("{\"enum\":[[", numbers, ",1],[", numbers, ",2]]}")).ok());
}

TEST_F(JsonSchemaTest, TextsThatBeginOthers) {
  const std::string schema = R"({"enum":[1,12,123,124,13,2,-1,-12]})";
  for (const char* text : {"1", "12", "123", "124", "13", "2", "-1", "-12"}) EXPECT_TRUE(Admits(schema, text)) << text;
  for (const char* text : {"", "-", "3", "11", "125", "1234", "-2", "-123"}) EXPECT_FALSE(Admits(schema, text)) << text;
}

}  // namespace
}  // namespace baleen
