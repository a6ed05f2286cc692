#include "tools/logits/token_list.h"

#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(TokenListTest, ReadsNumbersFromTheArgument) {
  EXPECT_EQ(*ParseTokenList("1,2,3"), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(*ParseTokenList(" 7 , 128798 "), (std::vector<int32_t>{7, 128798}));
}

TEST(TokenListTest, ReadsNumbersFromAFile) {
  const std::string path = testing::TempDir() + "/tokens.txt";
  std::ofstream(path) << "5, 6\n7\n";
  EXPECT_EQ(*ParseTokenList("@" + path), (std::vector<int32_t>{5, 6, 7}));
}

TEST(TokenListTest, RefusesWhatIsNoList) {
  EXPECT_EQ(ParseTokenList("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseTokenList("1,x").status().message(), "'x' is no token id");
  EXPECT_EQ(ParseTokenList("99999999999").status().code(), absl::StatusCode::kInvalidArgument);
  const auto missing = ParseTokenList("@/nonexistent/tokens");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(missing.status().message()).find("/nonexistent/tokens"), std::string::npos);
}

}  // namespace
}  // namespace baleen
