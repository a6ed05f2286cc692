#include "model/config/model_id.h"

#include <string>

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(ModelIdTest, IsTheDirectorysName) {
  EXPECT_EQ(ModelId("checkpoints/abacus"), "abacus");
  EXPECT_EQ(ModelId("/models/DeepSeek-V3.1/"), "DeepSeek-V3.1");
  EXPECT_EQ(ModelId("abacus"), "abacus");
}

TEST(ModelIdTest, IsTheRepositorysNameInHuggingFacesCache) {
  const std::string commit = "/snapshots/56d4cbbb4d29f4355bab4b9a39ccb717a14ad5ad";
  EXPECT_EQ(ModelId("/hub/models--deepseek-ai--DeepSeek-R1" + commit), "DeepSeek-R1");
  EXPECT_EQ(ModelId("/hub/models--deepseek-ai--DeepSeek-R1" + commit + "/"), "DeepSeek-R1");
  EXPECT_EQ(ModelId("models--gpt2" + commit), "gpt2");
  EXPECT_EQ(ModelId("/hub/models----" + commit), "56d4cbbb4d29f4355bab4b9a39ccb717a14ad5ad");
  EXPECT_EQ(ModelId("/backups/snapshots/abacus"), "abacus");
  EXPECT_EQ(ModelId("snapshots/abacus"), "abacus");
}

}  // namespace
}  // namespace baleen
