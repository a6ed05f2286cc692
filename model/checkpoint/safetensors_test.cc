#include "model/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace baleen {
namespace {

using testing::HasSubstr;

constexpr char kHeader[] =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
    R"("b.weight":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"empty":{"dtype":"F32","shape":[0,5],"data_offsets":[32,32]}})";

std::string FileOf(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  file += header;
  for (size_t i = 0; i < data_bytes; ++i) file.push_back(static_cast<char>(i));
  return file;
}

absl::StatusOr<std::unique_ptr<SafetensorsFile>> OpenBytes(const std::string& bytes) {
  const std::string path = testing::TempDir() + "/t.safetensors";
  std::remove(path.c_str());  // A mapping of the last file stays intact.
  std::ofstream(path, std::ios::binary) << bytes;
  return SafetensorsFile::Open(path);
}

std::string ErrorOf(const std::string& bytes) {
  const absl::Status status = OpenBytes(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("t.safetensors"));
  return std::string(status.message());
}

std::string Swap(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Safetensors, FindsTensors) {
  const auto file = OpenBytes(FileOf(kHeader, 32)).value();
  EXPECT_EQ(file->entries().size(), 3u);
  const SafetensorsEntry* entry = file->Find("b.weight");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->dtype, "BF16");
  EXPECT_EQ(entry->shape, std::vector<int64_t>{4});
  EXPECT_EQ(static_cast<int>(file->Data(*entry)[0]), 24);
  EXPECT_EQ(file->Find("__metadata__"), nullptr);
  EXPECT_EQ(file->Find("c"), nullptr);
}

TEST(Safetensors, AllowsPaddingAndReorderedFields) {
  EXPECT_TRUE(OpenBytes(FileOf(std::string(kHeader) + "     ", 32)).ok());
  EXPECT_TRUE(OpenBytes(FileOf(R"({"x":{"data_offsets":[0,1],"shape":[],"dtype":"U8"}})", 1)).ok());
  EXPECT_TRUE(OpenBytes(FileOf("{}", 0)).ok());
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string whole = FileOf(kHeader, 32);
  for (size_t size = 0; size < whole.size(); ++size) ErrorOf(whole.substr(0, size));
  ErrorOf(whole + "x");
}

TEST(Safetensors, RefusesAHeaderLengthBeyondTheFile) {
  std::string bytes = FileOf(kHeader, 32);
  for (const uint64_t length : {uint64_t{1} << 20, uint64_t{1} << 40, ~uint64_t{0}, (uint64_t{1} << 63) + 5}) {
    std::memcpy(bytes.data(), &length, 8);
    EXPECT_THAT(ErrorOf(bytes), HasSubstr("header length"));
  }
}

TEST(Safetensors, NamesTheTensorThatIsWrong) {
  const struct {
    const char *from, *to, *problem;
  } cases[] = {
      {"[24,32]", "[20,28]", "tensor b.weight: overlaps tensor a"},
      {"[24,32]", "[25,33]", "tensor b.weight: data_offsets"},
      {R"("shape":[4],"data_offsets":[24,32])", R"("shape":[3],"data_offsets":[26,32])", "tensor b.weight: 2 bytes before it belong"},
      {R"("shape":[4],"data_offsets":[24,32])", R"("shape":[3],"data_offsets":[24,30])", "tensor empty: 2 bytes before it belong"},
      {"[24,32]", "[32,24]", "tensor b.weight: data_offsets"},
      {"[4]", "[5]", "tensor b.weight: BF16 [5] needs 10 bytes"},
      {"[4]", "[9223372036854775807,4]", "tensor b.weight: shape"},
      {"[4]", "[18446744073709551615]", "tensor b.weight: a number beyond"},
      {"[4]", "[-4]", "tensor b.weight: a negative number"},
      {"[4]", "[4.0]", "tensor b.weight: a number that is not whole"},
      {"[4]", "[[4]]", "tensor b.weight: a list where"},
      {"[4]", "[1,1,1,1,1,1,1,1,4]", "header"},
      {"[4]", "4", "tensor b.weight: a number where"},
      {"[4]", "null", "tensor b.weight: a value"},
      {"[4]", "{}", "tensor b.weight: an object where"},
      {"\"BF16\"", "\"BF17\"", "tensor b.weight: unknown dtype 'BF17'"},
      {"\"BF16\"", "2", "tensor b.weight: a number where"},
      {"[24,32]", "[24]", "tensor b.weight: data_offsets must be two"},
      {R"("shape":[4],)", "", "tensor b.weight: dtype, shape or data_offsets is missing"},
      {R"("shape":[4],)", R"("shape":[4],"shape":[4],)", "tensor b.weight: shape appears twice"},
      {R"("shape":[4],)", R"("shape":[4],"strides":[1],)", "tensor b.weight: unknown field 'strides'"},
      {"b.weight", "a", "tensor a: named twice"},
      {R"({"format":"pt"})", R"({"format":1})", "__metadata__"},
  };
  for (const auto& c : cases) EXPECT_THAT(ErrorOf(FileOf(Swap(kHeader, c.from, c.to), 32)), HasSubstr(c.problem)) << c.to;
}

TEST(Safetensors, RefusesWhatIsNoHeader) {
  for (const std::string header : {"", " ", "[]", "{", "1", "{}{}", "{\"a\":1}", "{\"a\":\"x\"}", "{\"a\":[1]}"})
    ErrorOf(FileOf(header, 0));
  EXPECT_EQ(SafetensorsFile::Open("/nowhere/t.safetensors").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(SafetensorsFile::Open(testing::TempDir()).status().code(), absl::StatusCode::kInvalidArgument);
}

// Every single-byte corruption either fails or leaves tensors whose bytes can all be read.
TEST(Safetensors, SurvivesAnyByteCorruption) {
  const std::string whole = FileOf(kHeader, 32);
  int refused = 0;
  for (size_t at = 0; at < whole.size() - 32; ++at) {
    for (const int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      const auto file = OpenBytes(bytes);
      if (!file.ok()) {
        ++refused;
        continue;
      }
      unsigned sum = 0;
      for (const auto& [name, entry] : (*file)->entries()) {
        for (int64_t i = 0; i < entry.end - entry.begin; ++i) sum += static_cast<unsigned>((*file)->Data(entry)[i]);
      }
      EXPECT_LE(sum, 32u * 31u / 2);
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace baleen
