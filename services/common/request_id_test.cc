#include "services/common/request_id.h"

#include <gtest/gtest.h>

#include <set>

namespace baleen {
namespace {

TEST(RequestIdTest, RoundTripsThroughHex) {
  const std::string id = NewRequestId();
  ASSERT_EQ(id.size(), 16u);
  const std::string hex = RequestIdToHex(id);
  EXPECT_EQ(hex.size(), 32u);
  EXPECT_EQ(RequestIdFromHex(hex).value(), id);
}

TEST(RequestIdTest, IdsDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(NewRequestId());
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(RequestIdTest, RefusesWhatIsNotAnId) {
  EXPECT_FALSE(RequestIdFromHex("").ok());
  EXPECT_FALSE(RequestIdFromHex(std::string(31, 'a')).ok());
  EXPECT_FALSE(RequestIdFromHex(std::string(32, 'g')).ok());
  EXPECT_TRUE(RequestIdFromHex(std::string(32, 'A')).ok());
}

}  // namespace
}  // namespace baleen
