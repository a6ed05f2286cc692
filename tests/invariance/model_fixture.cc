#include "tests/invariance/model_fixture.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "kernels/mla_attention.h"

namespace baleen {
namespace {

constexpr int64_t kMaxBatchTokens = 1024;

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    ADD_FAILURE() << value.status();
    std::abort();
  }
  return *std::move(value);
}

EngineOptions EngineOptionsOf(const ModelOptions& options) {
  return {.numerics = options.numerics,
          .max_batch_tokens = kMaxBatchTokens,
          .ping_pong_rows = options.ping_pong_rows,
          .mtp = options.mtp,
          .tensor_parallel = options.tensor_parallel};
}

}  // namespace

ModelFixture::ModelFixture(const ModelOptions& options)
    : pool_(options.threads),
      config_(OrDie(ModelConfig::Load(options.directory))),
      checkpoint_(OrDie(Checkpoint::Open(options.directory))),
      model_(OrDie(WholeModel::Load(*checkpoint_, config_, EngineOptionsOf(options), &pool_, options.host_experts))) {}

std::vector<int32_t> ModelFixture::Tokens(int64_t count, uint64_t seed) const {
  std::vector<int32_t> tokens(count);
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (int32_t& token : tokens) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    token = static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(config_.vocab_size));
  }
  return tokens;
}

std::vector<SequenceResult> ModelFixture::Run(const std::vector<std::vector<int32_t>>& sequences, int64_t chunk) {
  int64_t total_blocks = 0, longest = 0;
  const auto blocks_of = [](size_t tokens) { return (static_cast<int64_t>(tokens) + kKvBlockTokens - 1) / kKvBlockTokens; };
  for (const auto& tokens : sequences) {
    total_blocks += blocks_of(tokens.size());
    longest = std::max(longest, static_cast<int64_t>(tokens.size()));
  }
  const std::unique_ptr<BlockPool> kv_pool = engine().NewKvPool(total_blocks * engine().kv_shape().BlockBytes());
  BlockPool& kv = *kv_pool;
  std::vector<std::vector<BlockId>> blocks;
  for (const auto& tokens : sequences) blocks.push_back(OrDie(kv.Allocate(blocks_of(tokens.size()))));

  std::vector<SequenceResult> results(sequences.size());
  for (int64_t first = 0; first < longest; first += chunk) {
    std::vector<SequenceStep> steps;
    std::vector<size_t> owners;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const int64_t left = static_cast<int64_t>(sequences[i].size()) - first;
      if (left <= 0) continue;
      const int64_t size = std::min(chunk, left);
      steps.push_back({blocks[i], first, absl::MakeConstSpan(sequences[i]).subspan(first, size), size});
      owners.push_back(i);
    }
    std::vector<float> logits;
    const absl::Status status = engine().Step(steps, kv, experts(), StepOptions(), &logits);
    EXPECT_TRUE(status.ok()) << status;
    const char* next = reinterpret_cast<const char*>(logits.data());
    for (size_t i = 0; i < steps.size(); ++i) {
      const size_t bytes = steps[i].tokens.size() * config_.vocab_size * sizeof(float);
      results[owners[i]].logits.append(next, bytes);
      next += bytes;
    }
  }
  for (size_t i = 0; i < sequences.size(); ++i) results[i].kv = KvRows(kv, blocks[i], static_cast<int64_t>(sequences[i].size()));
  return results;
}

std::string ModelFixture::KvRows(BlockPool& kv, const std::vector<BlockId>& blocks, int64_t tokens) const {
  const int64_t row = kv.shape().RowBytes();
  std::string bytes;
  for (int layer = 0; layer < kv.shape().layers; ++layer) {
    for (int64_t t = 0; t < tokens; ++t) {
      std::vector<std::byte> read(static_cast<size_t>(row));
      kv.memory().Read({{kv.Page(blocks[t / kKvBlockTokens], layer) + t % kKvBlockTokens * row, read.data(), read.size()}});
      bytes.append(reinterpret_cast<const char*>(read.data()), read.size());
    }
  }
  return bytes;
}

}  // namespace baleen
