#include "services/attention/worker/fake_step_runner.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "kernels/mla_attention.h"

namespace baleen {
namespace {

float* Row(BlockPool& kv, absl::Span<const BlockId> blocks, int layer, int64_t position) {
  float* page = reinterpret_cast<float*>(kv.Page(blocks[static_cast<size_t>(position / kKvBlockTokens)], layer));
  return page + position % kKvBlockTokens * FakeStepRunner::kShape.width;
}

void WriteLayer(BlockPool& kv, const SequenceStep& sequence, int layer) {
  for (size_t i = 0; i < sequence.tokens.size(); ++i) {
    float* row = Row(kv, sequence.blocks, layer, sequence.first_position + static_cast<int64_t>(i));
    row[0] = static_cast<float>(sequence.tokens[i]);
    row[1] = static_cast<float>(sequence.tokens[i] + layer);
  }
}

// The tokens as the KV rows of all layers agree on them; -1 where they do not.
std::vector<int32_t> ReadTokens(BlockPool& kv, const SequenceStep& sequence) {
  std::vector<int32_t> tokens;
  const int64_t end = sequence.first_position + static_cast<int64_t>(sequence.tokens.size());
  for (int64_t position = 0; position < end; ++position) {
    float token = Row(kv, sequence.blocks, 0, position)[0];
    for (int layer = 0; layer < FakeStepRunner::kShape.layers; ++layer) {
      const float* row = Row(kv, sequence.blocks, layer, position);
      if (row[0] != token || row[1] != token + static_cast<float>(layer)) token = -1;
    }
    tokens.push_back(static_cast<int32_t>(token));
  }
  return tokens;
}

}  // namespace

int32_t FakeStepRunner::Next(const std::vector<int32_t>& tokens) {
  uint64_t hash = 1469598103934665603u;
  for (const int32_t token : tokens) hash = (hash ^ static_cast<uint64_t>(static_cast<uint32_t>(token))) * 1099511628211u;
  return static_cast<int32_t>((hash >> 20) % static_cast<uint64_t>(kVocab));
}

std::vector<int32_t> FakeStepRunner::Continue(std::vector<int32_t> tokens, int64_t count) {
  std::vector<int32_t> made;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(Next(tokens));
    made.push_back(tokens.back());
  }
  return made;
}

void FakeStepRunner::AppendLogits(const std::vector<int32_t>& tokens, int32_t shift, std::vector<float>* logits) {
  const size_t offset = logits->size();
  logits->resize(offset + kVocab, 0.0f);
  (*logits)[offset + static_cast<size_t>((Next(tokens) + shift) % kVocab)] = 10.0f;
}

void FakeStepRunner::Choose(TokenChoices* choices, std::vector<float>* logits) const {
  if (!chooses) return;
  choices->tokens.assign(choices->wanted.size(), -1);
  for (size_t row = 0; row < choices->wanted.size(); ++row) {
    if (!choices->Chose(row)) continue;
    const auto begin = logits->begin() + static_cast<std::ptrdiff_t>(row) * kVocab;
    for (const int32_t id : choices->wanted[row]->banned) begin[id] = -1.0f;
    choices->tokens[row] = static_cast<int32_t>(std::max_element(begin, begin + kVocab) - begin);
    std::fill(begin, begin + kVocab, std::numeric_limits<float>::quiet_NaN());
  }
}

absl::Status FakeStepRunner::Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, const std::function<void(int layer)>& on_layer,
                                   TokenChoices* choices, std::vector<float>* logits) {
  logits->clear();
  for (const DraftStep& draft : drafts) {
    if (!draft.logits) continue;
    const absl::Span<const int32_t> rows = draft.next_tokens;  // As many as rows; only their number matters to ReadTokens.
    std::vector<int32_t> tokens = ReadTokens(kv, {.blocks = draft.blocks, .first_position = draft.first_position, .tokens = rows});
    tokens.push_back(draft.next_tokens.back());
    AppendLogits(tokens, ++guesses_ % wrong_every == 0 ? 1 : 0, logits);
  }
  Choose(choices, logits);
  return absl::OkStatus();
}

absl::Status FakeStepRunner::Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                                  const std::function<void(int layer)>& on_layer, TokenChoices* choices, std::vector<float>* logits) {
  absl::Status fault = before_step ? before_step(sequences) : absl::OkStatus();
  if (clock != nullptr && clock->Now() >= deadline) fault = absl::UnavailableError("the step's deadline passed");
  for (int layer = 0; layer < kShape.layers; ++layer) {
    for (const SequenceStep& sequence : sequences) WriteLayer(kv, sequence, layer);
    if (on_layer) on_layer(layer);
    if (!fault.ok()) return fault;
  }
  int64_t rows = 0;
  logits->clear();
  for (const SequenceStep& sequence : sequences) {
    rows += static_cast<int64_t>(sequence.tokens.size());
    const std::vector<int32_t> tokens = ReadTokens(kv, sequence);
    for (int64_t left = sequence.logits_count; left > 0; --left) AppendLogits({tokens.begin(), tokens.end() - left + 1}, 0, logits);
  }
  Choose(choices, logits);
  rows_ += rows;
  max_rows_ = std::max<int64_t>(max_rows_, rows);
  return absl::OkStatus();
}

}  // namespace baleen
