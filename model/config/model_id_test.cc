#include "model/config/model_id.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(ModelIdTest, IsTheDirectorysName) {
  EXPECT_EQ(ModelId("checkpoints/abacus"), "abacus");
  EXPECT_EQ(ModelId("/models/DeepSeek-V3.1/"), "DeepSeek-V3.1");
  EXPECT_EQ(ModelId("abacus"), "abacus");
}

}  // namespace
}  // namespace baleen
