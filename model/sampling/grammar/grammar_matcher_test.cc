#include "model/sampling/grammar/grammar_matcher.h"

#include <algorithm>
#include <boost/json.hpp>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "model/sampling/grammar/grammar_spec.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

constexpr int32_t kEnd = 1;
constexpr char kPerson[] = R"({"type":"object","properties":{"name":{"type":"string","maxLength":5},"tags":{"type":"array",
    "items":{"enum":["hello","hell","x"]},"maxItems":3},"age":{"type":"integer","minimum":0,"maximum":120}},
    "required":["name","tags"],"additionalProperties":false})";

// Tokens that span JSON's own tokens, and parts of characters.
TinyTokenizerOptions Options() {
  TinyTokenizerOptions options;
  for (const char* merge : {"\" :", "\" ,", "{ \"", "Ã ¼", "\" Ã"}) options.merges.emplace_back(merge);
  return options;
}

class GrammarMatcherTest : public testing::Test {
 protected:
  GrammarMatcher Matcher(const GrammarSpec& spec) {
    absl::StatusOr<Grammar> grammar = CompileGrammar(spec);
    EXPECT_TRUE(grammar.ok()) << grammar.status();
    return GrammarMatcher(std::make_shared<Grammar>(*std::move(grammar)), vocabulary_, spec.after_token, {kEnd});
  }
  static GrammarSpec Schema(const std::string& schema) {
    GrammarSpec spec;
    spec.alternatives = {{GrammarJsonSchema{schema}}};
    return spec;
  }
  // After each character, as many places as there are lengths that it may still have.
  static std::string StringsOfManyLengths(int shortest) {
    std::string schema;
    for (int outer = 0; outer < 12; ++outer) {
      absl::StrAppend(&schema, outer == 0 ? R"({"anyOf":[)" : ",", R"({"anyOf":[)");
      for (int inner = 0; inner < 10; ++inner) {
        absl::StrAppend(&schema, inner == 0 ? "" : ",", R"({"type":"string","maxLength":)", 10 * outer + inner + shortest, "}");
      }
      schema += "]}";
    }
    return schema + "]}";
  }
  std::vector<int32_t> AllowedIds(const TokenMask& mask) {
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < vocabulary_->size(); ++id) {
      if (mask.Test(id)) ids.push_back(id);
    }
    return ids;
  }
  // Each merge once.
  static TinyTokenizerOptions Distinct(TinyTokenizerOptions options) {
    std::set<std::string> results;
    std::vector<std::string> merges;
    for (const std::string& merge : options.merges) {
      if (results.insert(absl::StrReplaceAll(merge, {{" ", ""}})).second) merges.push_back(merge);
    }
    options.merges = std::move(merges);
    return options;
  }
  // A text cut into tokens of the vocabulary at random.
  std::vector<int32_t> RandomTokens(const std::string& text, std::mt19937* random) {
    std::vector<int32_t> tokens;
    for (size_t at = 0; at < text.size();) {
      std::vector<GrammarVocabulary::Entry> fits;
      for (const GrammarVocabulary::Entry& entry : vocabulary_->entries()) {
        if (text.compare(at, entry.size, std::string(vocabulary_->Bytes(entry))) == 0) fits.push_back(entry);
      }
      const GrammarVocabulary::Entry& chosen = fits[(*random)() % fits.size()];
      tokens.push_back(chosen.id);
      at += chosen.size;
    }
    return tokens;
  }

  std::unique_ptr<Tokenizer> tokenizer_ = MakeTinyTokenizer(Options());
  std::shared_ptr<GrammarVocabulary> vocabulary_ = std::make_shared<GrammarVocabulary>(*tokenizer_, tokenizer_->size());
};

TEST_F(GrammarMatcherTest, EveryTokenisationOfAValidTextIsAllowed) {
  const std::string text = R"({"name":"ühell","tags":["hello","hell","x"],"age":119})";
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const std::vector<int32_t> tokens = RandomTokens(text, &random);
    GrammarMatcher matcher = Matcher(Schema(kPerson));
    for (size_t i = 0; i < tokens.size(); ++i) {
      ASSERT_TRUE(matcher.Allowed(absl::MakeConstSpan(tokens).subspan(0, i)).Test(tokens[i])) << i << " of round " << round;
    }
    EXPECT_EQ(AllowedIds(matcher.Allowed(tokens)), (std::vector<int32_t>{kEnd}));
  }
}

// Whatever is drawn from the masks is a document of the schema, and no mask on the way is empty.
TEST_F(GrammarMatcherTest, RandomAnswersAreValid) {
  std::mt19937 random(11);
  for (int round = 0; round < 100; ++round) {
    GrammarMatcher matcher = Matcher(Schema(kPerson));
    std::vector<int32_t> tokens;
    while (tokens.size() < 500) {
      const std::vector<int32_t> allowed = AllowedIds(matcher.Allowed(tokens));
      ASSERT_FALSE(allowed.empty()) << tokenizer_->Decode(tokens, false);
      const int32_t token = allowed[random() % allowed.size()];
      if (token == kEnd) break;
      tokens.push_back(token);
    }
    const std::string text = tokenizer_->Decode(tokens, false);
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(text, error);
    ASSERT_FALSE(error) << text;
    EXPECT_TRUE(value.at("name").is_string()) << text;
    EXPECT_LE(value.at("tags").as_array().size(), 3u) << text;
    if (const auto* age = value.as_object().if_contains("age")) {
      EXPECT_GE(age->as_int64(), 0) << text;
      EXPECT_LE(age->as_int64(), 120) << text;
    }
  }
}

TEST_F(GrammarMatcherTest, MasksAreAFunctionOfTheTokens) {
  std::mt19937 random(3);
  const std::vector<int32_t> tokens = RandomTokens(R"({"name":"he","tags":[]})", &random);
  GrammarMatcher stepwise = Matcher(Schema(kPerson));
  for (size_t i = 0; i <= tokens.size(); ++i) {
    const auto so_far = absl::MakeConstSpan(tokens).subspan(0, i);
    GrammarMatcher fresh = Matcher(Schema(kPerson));
    EXPECT_EQ(AllowedIds(stepwise.Allowed(so_far)), AllowedIds(fresh.Allowed(so_far))) << i;
  }
  // Back to an earlier point, as after a speculation that failed.
  GrammarMatcher fresh = Matcher(Schema(kPerson));
  const auto start = absl::MakeConstSpan(tokens).subspan(0, 2);
  EXPECT_EQ(AllowedIds(stepwise.Allowed(start)), AllowedIds(fresh.Allowed(start)));
}

TEST_F(GrammarMatcherTest, TheAnswerBeginsAfterItsToken) {
  const int32_t end_think = *tokenizer_->AddedTokenId("</think>");
  GrammarSpec spec = Schema(R"({"enum":["a"]})");
  spec.after_token = end_think;
  GrammarMatcher matcher = Matcher(spec);
  const std::vector<int32_t> thought = tokenizer_->Encode("any thing", AddedTokens::kText);
  EXPECT_TRUE(matcher.Allowed(thought).Test(thought[0]));
  EXPECT_TRUE(matcher.Allowed(thought).Test(end_think));
  EXPECT_FALSE(matcher.Allowed(thought).Test(kEnd));
  EXPECT_FALSE(matcher.MayEnd(thought));
  std::vector<int32_t> tokens = thought;
  tokens.push_back(end_think);
  EXPECT_EQ(AllowedIds(matcher.Allowed(tokens)), (std::vector<int32_t>{TinyByteIds("\n")[0], TinyByteIds("\"")[0]}));
}

TEST_F(GrammarMatcherTest, AddedTokensAreNoText) {
  GrammarMatcher matcher = Matcher(Schema(R"({"type":"string"})"));
  const std::vector<int32_t> quote = TinyByteIds("\"");
  const TokenMask& mask = matcher.Allowed(quote);
  EXPECT_FALSE(mask.Test(*tokenizer_->AddedTokenId("<think>")));
  EXPECT_TRUE(mask.Test(TinyByteIds("<")[0]));
}

TEST_F(GrammarMatcherTest, PiecesMixTokensTextAndJson) {
  const int32_t begin = *tokenizer_->AddedTokenId("<｜tool▁call▁begin｜>");
  const int32_t end = *tokenizer_->AddedTokenId("<｜tool▁call▁end｜>");
  GrammarSpec spec;
  spec.alternatives = {{GrammarToken{begin}, GrammarLiteral{"f"}, GrammarJsonSchema{R"({"enum":[1]})"}, GrammarToken{end}},
                       {GrammarToken{begin}, GrammarLiteral{"g"}, GrammarToken{end}}};
  GrammarMatcher matcher = Matcher(spec);
  std::vector<int32_t> tokens;
  EXPECT_EQ(AllowedIds(matcher.Allowed(tokens)), (std::vector<int32_t>{begin}));
  tokens.push_back(begin);
  EXPECT_EQ(AllowedIds(matcher.Allowed(tokens)), TinyByteIds("fg"));
  for (const int32_t id : TinyByteIds("f1")) tokens.push_back(id);
  EXPECT_EQ(AllowedIds(matcher.Allowed(tokens)), (std::vector<int32_t>{end}));
  tokens.push_back(end);
  EXPECT_EQ(AllowedIds(matcher.Allowed(tokens)), (std::vector<int32_t>{kEnd}));
}

TEST_F(GrammarMatcherTest, ALongAnswerStaysWithinItsBounds) {
  GrammarMatcher matcher = Matcher(Schema(R"({"type":"array","items":{"type":"integer"},"maxItems":3000})"));
  std::vector<int32_t> tokens = TinyByteIds("[1");
  for (int i = 0; i < 2900; ++i) {
    ASSERT_TRUE(matcher.Allowed(tokens).Test(TinyByteIds(",")[0])) << i;
    for (const int32_t id : TinyByteIds(",1")) tokens.push_back(id);
  }
  EXPECT_TRUE(matcher.Allowed(tokens).Test(TinyByteIds("]")[0]));
}

// One mask meets more states than are kept at a time: what it says must not depend on which were met before.
TEST_F(GrammarMatcherTest, AWideMaskHasEveryAlternative) {
  TinyTokenizerOptions options;
  std::string schema = R"({"enum":[)";
  std::vector<std::string> names;
  std::mt19937 random(5);
  while (names.size() < 1000) {
    std::string name;
    for (int i = 0; i < 8; ++i) name.push_back(static_cast<char>('a' + random() % 26));
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    schema += (names.empty() ? "\"" : ",\"") + name + "\"";
    names.push_back(name);
    for (size_t i = 1; i < name.size(); ++i) options.merges.push_back(name.substr(0, i) + " " + name.substr(i, 1));
  }
  options.ignore_merges = true;
  tokenizer_ = MakeTinyTokenizer(Distinct(options));
  vocabulary_ = std::make_shared<GrammarVocabulary>(*tokenizer_, tokenizer_->size());
  GrammarMatcher stepwise = Matcher(Schema(schema + "]}"));
  std::vector<int32_t> tokens;
  stepwise.Allowed(tokens);
  tokens = TinyByteIds("\"");
  const TokenMask& mask = stepwise.Allowed(tokens);
  for (const std::string& name : names) ASSERT_TRUE(mask.Test(tokenizer_->Encode(name, AddedTokens::kText)[0])) << name;
  tokens.push_back(tokenizer_->Encode(names[0], AddedTokens::kText)[0]);
  EXPECT_EQ(AllowedIds(stepwise.Allowed(tokens)), TinyByteIds("\""));
}

// A state of a thousand places is reached by one byte as by the next, and what follows them is looked for once.
TEST_F(GrammarMatcherTest, BytesOfOneKindCostAsMuchAsOne) {
  GrammarMatcher matcher = Matcher(Schema(StringsOfManyLengths(2)));
  const std::vector<int32_t> tokens = TinyByteIds("\"a");
  matcher.Allowed(absl::MakeConstSpan(tokens).subspan(0, 1));
  const int64_t before = matcher.closures();
  const TokenMask& mask = matcher.Allowed(tokens);
  for (const int32_t id : TinyByteIds("az\"\\")) EXPECT_TRUE(mask.Test(id));
  EXPECT_LE(matcher.closures() - before, 64);
}

TEST_F(GrammarMatcherTest, WideStatesStayWithinTheirBytes) {
  GrammarMatcher stepwise = Matcher(Schema(StringsOfManyLengths(200)));
  std::vector<int32_t> tokens = TinyByteIds("\"");
  for (int characters = 0; characters <= 190; ++characters) {
    const std::vector<int32_t> allowed = AllowedIds(stepwise.Allowed(tokens));
    ASSERT_LE(stepwise.state_bytes(), GrammarMatcher::kStateBytesMax) << characters;
    if (characters % 95 == 0) {
      GrammarMatcher fresh = Matcher(Schema(StringsOfManyLengths(200)));
      ASSERT_EQ(AllowedIds(fresh.Allowed(tokens)), allowed) << characters;
    }
    tokens.push_back(TinyByteIds("a")[0]);
  }
}

TEST_F(GrammarMatcherTest, WhatIsNoBeginningAllowsNothing) {
  GrammarMatcher matcher = Matcher(Schema(R"({"type":"null"})"));
  EXPECT_TRUE(AllowedIds(matcher.Allowed(TinyByteIds("x"))).empty());
  EXPECT_FALSE(matcher.MayEnd(TinyByteIds("x")));
}

}  // namespace
}  // namespace baleen
