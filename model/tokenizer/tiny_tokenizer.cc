#include "model/tokenizer/tiny_tokenizer.h"

#include <boost/json.hpp>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "model/tokenizer/byte_symbols.h"

namespace baleen {
namespace {

namespace json = boost::json;

json::object SplitStep(const std::string& regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}

json::value DeepseekV3PreTokenizer() {
  json::array steps;
  for (const std::string& pattern : DeepseekV3Patterns()) steps.push_back(SplitStep(pattern));
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}});
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

json::object AddedToken(int32_t id, const std::string& content, bool special) {
  return {{"id", id},        {"content", content},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", !special}, {"special", special}};
}

}  // namespace

const std::vector<std::string>& DeepseekV3Patterns() {
  static const auto* const patterns = new std::vector<std::string>{
      R"(\p{N}{1,3})",
      "[一-龥\u3040-ゟ゠-ヿ]+",
      R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^)re"
      "\r\n"
      R"re(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[)re"
      "\r\n"
      R"re(]*|\s*[)re"
      "\r\n"
      R"re(]+|\s+(?!\S)|\s+)re",
  };
  return *patterns;
}

const std::string& QwenPattern() {
  static const auto* const pattern =
      new std::string(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)");
  return *pattern;
}

std::string TinyTokenizerJson(const TinyTokenizerOptions& options) {
  const std::vector<std::string> specials = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"};
  json::object vocab;
  json::array added, merges;
  int32_t id = 0;
  for (const std::string& special : specials) {
    vocab[special] = id;
    added.push_back(AddedToken(id++, special, true));
  }
  for (const std::string& symbol : ByteSymbols()) vocab[symbol] = id++;
  for (const std::string& merge : options.merges) {
    merges.push_back(json::value(merge));
    vocab[absl::StrReplaceAll(merge, {{" ", ""}})] = id++;
  }
  for (const std::string& token : options.added) added.push_back(AddedToken(id++, token, false));
  const json::value pre_tokenizer = options.pre_tokenizer.empty() ? DeepseekV3PreTokenizer() : json::parse(options.pre_tokenizer);
  const json::object root = {
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", pre_tokenizer},
      {"model", {{"type", "BPE"}, {"ignore_merges", options.ignore_merges}, {"vocab", vocab}, {"merges", merges}}},
  };
  return json::serialize(root);
}

std::unique_ptr<Tokenizer> MakeTinyTokenizer(const TinyTokenizerOptions& options) {
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::FromJson(TinyTokenizerJson(options), "tiny");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
}

std::vector<int32_t> TinyByteIds(const std::string& bytes) {
  std::vector<int32_t> ids;
  for (char byte : bytes) ids.push_back(kTinyFirstByte + static_cast<uint8_t>(byte));
  return ids;
}

}  // namespace baleen
