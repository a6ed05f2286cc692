#include "model/tokenizer/tokenizer.h"

#include <boost/json.hpp>
#include <fstream>
#include <functional>
#include <random>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

namespace json = boost::json;

std::vector<int32_t> Concat(std::vector<std::vector<int32_t>> parts) {
  std::vector<int32_t> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(TokenizerTest, MergesAndDecodes) {
  const auto tokenizer = MakeTinyTokenizer();
  EXPECT_EQ(tokenizer->Encode("hello", AddedTokens::kMatch), (std::vector<int32_t>{262}));
  EXPECT_EQ(tokenizer->Encode("hell yell", AddedTokens::kMatch), Concat({{261}, TinyByteIds(" ye"), {260}}));
  EXPECT_EQ(tokenizer->Decode({262, kTinyFirstByte + ' ', 259}, false), "hello he");
  EXPECT_EQ(tokenizer->size(), 263 + 13);
}

TEST(TokenizerTest, AddedTokensMatchOnlyWhenAsked) {
  const auto tokenizer = MakeTinyTokenizer();
  const int32_t think = *tokenizer->AddedTokenId("<think>");
  EXPECT_EQ(tokenizer->Encode("<think>", AddedTokens::kMatch), std::vector<int32_t>{think});
  EXPECT_EQ(tokenizer->Encode("a<think>b", AddedTokens::kMatch), Concat({TinyByteIds("a"), {think}, TinyByteIds("b")}));
  EXPECT_EQ(tokenizer->Encode("<think>", AddedTokens::kText).size(), 7u);
  EXPECT_EQ(tokenizer->Encode("<|User|>", AddedTokens::kMatch), TinyByteIds("<|User|>"));
  EXPECT_EQ(tokenizer->AddedTokenId("<|User|>"), absl::nullopt);
}

TEST(TokenizerTest, LongestAddedTokenOfTheLeftmostWins) {
  TinyTokenizerOptions options;
  options.added = {"<a", "<ab", "b><c", "<abcd>"};
  const auto tokenizer = MakeTinyTokenizer(options);
  EXPECT_EQ(tokenizer->Encode("<ab><c", AddedTokens::kMatch), Concat({{*tokenizer->AddedTokenId("<ab")}, TinyByteIds("><c")}));
  EXPECT_EQ(tokenizer->Encode("<abcd", AddedTokens::kMatch), Concat({{*tokenizer->AddedTokenId("<ab")}, TinyByteIds("cd")}));
  EXPECT_EQ(tokenizer->Encode("<abcd>", AddedTokens::kMatch), std::vector<int32_t>{*tokenizer->AddedTokenId("<abcd>")});
}

TEST(TokenizerTest, SpecialTokensCanBeLeftOut) {
  const auto tokenizer = MakeTinyTokenizer();
  EXPECT_TRUE(tokenizer->IsSpecial(1));
  const int32_t think = *tokenizer->AddedTokenId("<think>");
  EXPECT_FALSE(tokenizer->IsSpecial(think));
  EXPECT_EQ(tokenizer->Decode({0, think, 262, 1}, true), "<think>hello");
  EXPECT_EQ(tokenizer->Decode({262, 1}, false), "hello<｜end▁of▁sentence｜>");
}

TEST(TokenizerTest, UnknownIdsGiveNothing) {
  const auto tokenizer = MakeTinyTokenizer();
  EXPECT_EQ(tokenizer->Decode({-1, 262, 1 << 30}, false), "hello");
  EXPECT_EQ(tokenizer->TokenBytes(static_cast<int32_t>(tokenizer->size())), "");
  EXPECT_FALSE(tokenizer->IsSpecial(-5));
}

TEST(TokenizerTest, AnyBytesRoundTrip) {
  const auto tokenizer = MakeTinyTokenizer();
  std::string all;
  for (int round = 0; round < 3; ++round) {
    for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte * (2 * round + 1)));
  }
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(all, AddedTokens::kMatch), false), all);
  EXPECT_EQ(tokenizer->Encode("\xFF", AddedTokens::kText), (std::vector<int32_t>{kTinyFirstByte + 0xFF}));
  EXPECT_TRUE(tokenizer->Encode("", AddedTokens::kMatch).empty());
}

// DeepSeek-V2's vocabulary leaves out the 13 bytes that UTF-8 never uses.
TEST(TokenizerTest, MissingBytesBecomeTheReplacementCharacter) {
  json::value root = json::parse(TinyTokenizerJson({}));
  root.as_object()["model"].as_object()["vocab"].as_object().erase("ÿ");
  const auto tokenizer = Tokenizer::FromJson(json::serialize(root), "v2");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->Encode("hello\xFF!", AddedTokens::kText), Concat({{262}, TinyByteIds("\uFFFD!")}));
  EXPECT_EQ((*tokenizer)->Encode("\xC0", AddedTokens::kText), TinyByteIds("\xC0"));
}

TEST(TokenizerTest, TokensOutOfReachOfTheMergesNeedIgnoreMerges) {
  TinyTokenizerOptions options;
  // "abc" has no way to be made from a, b, c: its merge needs "ab", and "b c" comes first.
  options.merges = {"b c", "a b", "ab c"};
  EXPECT_EQ(MakeTinyTokenizer(options)->Encode("abc", AddedTokens::kText), Concat({TinyByteIds("a"), {259}}));
  options.ignore_merges = true;
  EXPECT_EQ(MakeTinyTokenizer(options)->Encode("abc", AddedTokens::kText), std::vector<int32_t>{261});
}

TEST(TokenizerTest, OtherPreTokenizers) {
  TinyTokenizerOptions options;
  options.merges = {"1 2", "a Ġ"};
  const std::string byte_level = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":)";
  options.pre_tokenizer = byte_level + "false}";
  EXPECT_EQ(MakeTinyTokenizer(options)->Encode("a 12", AddedTokens::kText), (std::vector<int32_t>{260, 259}));
  options.pre_tokenizer = byte_level + "true}";
  EXPECT_EQ(MakeTinyTokenizer(options)->Encode("a 12", AddedTokens::kText), Concat({TinyByteIds("a "), {259}}));
  options.pre_tokenizer = R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},)" + byte_level + "false}]}";
  EXPECT_EQ(MakeTinyTokenizer(options)->Encode("a 12", AddedTokens::kText), Concat({{260}, TinyByteIds("12")}));
  options.pre_tokenizer =
      R"({"type":"Sequence","pretokenizers":[{"type":"Split","behavior":"Isolated","pattern":{"String":" "}},)" + byte_level + "false}]}";
  EXPECT_EQ(MakeTinyTokenizer(options)->Encode("a 12", AddedTokens::kText), Concat({TinyByteIds("a "), {259}}));
}

TEST(TokenizerTest, MergesMayBePairs) {
  json::value root = json::parse(TinyTokenizerJson({}));
  json::array& merges = root.as_object()["model"].as_object()["merges"].as_array();
  merges[0] = json::array{"h", "e"};
  const auto tokenizer = Tokenizer::FromJson(json::serialize(root), "pairs");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->Encode("hello", AddedTokens::kText), std::vector<int32_t>{262});
}

struct Malformed {
  const char* names;  // What the message must name.
  std::function<void(json::object&)> damage;
};

json::object& Model(json::object& root) { return root["model"].as_object(); }
json::object& Vocab(json::object& root) { return Model(root)["vocab"].as_object(); }
json::array& Steps(json::object& root) { return root["pre_tokenizer"].as_object()["pretokenizers"].as_array(); }

TEST(TokenizerTest, MalformedFilesAreNamedErrors) {
  const std::vector<Malformed> cases = {
      {"model:", [](json::object& root) { root.erase("model"); }},
      {"model.type", [](json::object& root) { Model(root)["type"] = "Unigram"; }},
      {"model.vocab:", [](json::object& root) { Model(root)["vocab"] = json::array(); }},
      {"model.vocab[\"A\"]", [](json::object& root) { Vocab(root)["A"] = -1; }},
      {"model.vocab[\"A\"]", [](json::object& root) { Vocab(root)["A"] = int64_t{1} << 40; }},
      {"model.vocab[\"A\"]", [](json::object& root) { Vocab(root)["A"] = "5"; }},
      {"belongs to another", [](json::object& root) { Vocab(root)["A"] = 5; }},
      {"no token for byte 65", [](json::object& root) { Vocab(root).erase("A"); }},
      {"model.merges:", [](json::object& root) { Model(root).erase("merges"); }},
      {"model.merges[4]", [](json::object& root) { Model(root)["merges"].as_array().push_back("q z"); }},
      {"model.merges[4]", [](json::object& root) { Model(root)["merges"].as_array().push_back("qz"); }},
      {"model.merges[4]", [](json::object& root) { Model(root)["merges"].as_array().push_back(7); }},
      {"model.merges[4]", [](json::object& root) { Model(root)["merges"].as_array().push_back(json::array{"a"}); }},
      {"model.dropout", [](json::object& root) { Model(root)["dropout"] = 0.1; }},
      {"model.end_of_word_suffix", [](json::object& root) { Model(root)["end_of_word_suffix"] = "</w>"; }},
      {"normalizer",
       [](json::object& root) {
         root["normalizer"] = json::object{{"type", "NFC"}};
       }},
      {"added_tokens:", [](json::object& root) { root["added_tokens"] = 3; }},
      {"added_tokens[0]", [](json::object& root) { root["added_tokens"].as_array()[0] = nullptr; }},
      {"added_tokens[3].content", [](json::object& root) { root["added_tokens"].as_array()[3].as_object()["content"] = ""; }},
      {"added_tokens[3].id", [](json::object& root) { root["added_tokens"].as_array()[3].as_object().erase("id"); }},
      {"added_tokens[3].lstrip", [](json::object& root) { root["added_tokens"].as_array()[3].as_object()["lstrip"] = true; }},
      {"added_tokens[3]", [](json::object& root) { root["added_tokens"].as_array()[3].as_object()["id"] = 70; }},
      {"pre_tokenizer:", [](json::object& root) { root["pre_tokenizer"] = nullptr; }},
      {"pre_tokenizer: split step 0", [](json::object& root) { Steps(root)[0].as_object()["pattern"].as_object()["Regex"] = "(("; }},
      {"pretokenizers[1].behavior", [](json::object& root) { Steps(root)[1].as_object()["behavior"] = "Removed"; }},
      {"pretokenizers[1].invert", [](json::object& root) { Steps(root)[1].as_object()["invert"] = true; }},
      {"pretokenizers[1].pattern", [](json::object& root) { Steps(root)[1].as_object()["pattern"] = "x"; }},
      {"pretokenizers[1].type", [](json::object& root) { Steps(root)[1].as_object()["type"] = "Metaspace"; }},
      {"pretokenizers[2]", [](json::object& root) { Steps(root).pop_back(); }},
      {"add_prefix_space", [](json::object& root) { Steps(root)[3].as_object()["add_prefix_space"] = true; }},
  };
  for (const Malformed& one : cases) {
    json::value root = json::parse(TinyTokenizerJson({}));
    one.damage(root.as_object());
    const absl::Status status = Tokenizer::FromJson(json::serialize(root), "broken.json").status();
    EXPECT_FALSE(status.ok()) << one.names;
    EXPECT_TRUE(absl::StartsWith(status.message(), "broken.json: ") && absl::StrContains(status.message(), one.names))
        << one.names << " is not named in: " << status;
  }
}

TEST(TokenizerTest, TextThatIsNoJsonIsAnError) {
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("\"x\""), std::string(1000, '[')}) {
    EXPECT_EQ(Tokenizer::FromJson(text, "broken.json").status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(TokenizerTest, EveryCutOfTheFileIsAnError) {
  const std::string text = TinyTokenizerJson({});
  for (size_t length = 0; length < text.size(); length += 97) {
    EXPECT_FALSE(Tokenizer::FromJson(absl::string_view(text).substr(0, length), "cut.json").ok());
  }
}

TEST(TokenizerTest, DamagedFilesAreErrorsOrTokenizers) {
  const std::string good = TinyTokenizerJson({});
  std::mt19937 random(3);
  int errors = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text = good;
    for (int damage = 0; damage < 3; ++damage) text[random() % text.size()] = "\"[]{},:0aZ\\\xC3 "[random() % 13];
    const auto tokenizer = Tokenizer::FromJson(text, "damaged.json");
    errors += !tokenizer.ok();
    if (!tokenizer.ok()) continue;
    EXPECT_LE((*tokenizer)->Encode("hello 12", AddedTokens::kMatch).size(), 8u);
  }
  EXPECT_GT(errors, 100);
}

TEST(TokenizerTest, LoadsAFolder) {
  const std::string folder = testing::TempDir();
  std::ofstream(folder + "/tokenizer.json") << TinyTokenizerJson({});
  const auto tokenizer = Tokenizer::Load(folder);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->Encode("hello", AddedTokens::kMatch), std::vector<int32_t>{262});
  const absl::Status missing = Tokenizer::Load(folder + "/nowhere").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(missing.message(), "nowhere/tokenizer.json"));
}

}  // namespace
}  // namespace baleen
