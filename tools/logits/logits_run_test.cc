#include "tools/logits/logits_run.h"

#include <cmath>
#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "model/checkpoint/checkpoint.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

std::string Bytes(const std::string& directory, const std::vector<int64_t>& shape) {
  auto checkpoint = Checkpoint::Open(directory);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  auto logits = (*checkpoint)->Get("logits", shape);
  EXPECT_TRUE(logits.ok()) << logits.status();
  return std::string(reinterpret_cast<const char*>(logits->data), logits->bytes);
}

LogitsRun TinyRun() {
  LogitsRun run;
  run.model = WriteTinyCheckpoint("logits_model", {});
  for (int32_t i = 0; i < 70; ++i) run.tokens.push_back((i * 7) % kTinyVocab);
  return run;
}

TEST(LogitsRunTest, WritesEveryPositionWhateverTheChunk) {
  LogitsRun run = TinyRun();
  run.out = FreshDirectory("logits_whole") + "/model.safetensors";
  ASSERT_TRUE(RunLogits(run).ok());
  const std::string whole = Bytes(testing::TempDir() + "/logits_whole", {70, kTinyVocab});
  run.out = FreshDirectory("logits_chunked") + "/model.safetensors";
  run.chunk = 9;
  run.threads = 2;
  ASSERT_TRUE(RunLogits(run).ok());
  EXPECT_EQ(whole, Bytes(testing::TempDir() + "/logits_chunked", {70, kTinyVocab}));
  for (size_t i = 0; i < whole.size(); i += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, &whole[i], sizeof(value));
    ASSERT_TRUE(std::isfinite(value)) << "value " << i / sizeof(float);
  }
}

TEST(LogitsRunTest, SaysWhatIsWrong) {
  LogitsRun run = TinyRun();
  run.out = "/nonexistent/logits.safetensors";
  EXPECT_NE(RunLogits(run).message().find("/nonexistent/logits.safetensors"), absl::string_view::npos);
  run.tokens = {1, kTinyVocab};
  EXPECT_NE(RunLogits(run).message().find("token id 130"), absl::string_view::npos);
  run.tokens.assign(2000, 1);
  EXPECT_NE(RunLogits(run).message().find("max_position_embeddings"), absl::string_view::npos);
  run.model = "/nonexistent/model";
  EXPECT_NE(RunLogits(run).message().find("/nonexistent/model"), absl::string_view::npos);
}

}  // namespace
}  // namespace baleen
