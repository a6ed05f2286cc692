#include "tools/logits/logits_run.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "kernels/mla_attention.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/whole_model.h"
#include "services/kv/cache/block_pool.h"
#include "tools/logits/safetensors_stream.h"

namespace baleen {
namespace {

absl::Status CheckRun(const LogitsRun& run, const ModelConfig& config) {
  if (run.threads < 1) return absl::InvalidArgumentError(absl::StrCat("--threads is ", run.threads, ", at least 1 is needed"));
  if (run.chunk < 1) return absl::InvalidArgumentError(absl::StrCat("--chunk is ", run.chunk, ", at least 1 is needed"));
  if (static_cast<int64_t>(run.tokens.size()) > config.max_position_embeddings) {
    return absl::InvalidArgumentError(
        absl::StrCat(run.tokens.size(), " tokens; the model takes ", config.max_position_embeddings, " (max_position_embeddings)"));
  }
  for (const int32_t token : run.tokens) {
    if (token < 0 || token >= config.vocab_size) {
      return absl::InvalidArgumentError(absl::StrCat("token id ", token, " is outside 0 .. ", config.vocab_size - 1));
    }
  }
  return absl::OkStatus();
}

// Steps through the tokens and writes each chunk's logits as they come.
absl::Status WriteLogits(const LogitsRun& run, Engine& engine, ExpertBackend& experts, SafetensorsStream& out) {
  const int64_t count = static_cast<int64_t>(run.tokens.size());
  const int64_t blocks_needed = (count + kKvBlockTokens - 1) / kKvBlockTokens;
  const std::unique_ptr<BlockPool> kv = engine.NewKvPool(blocks_needed * engine.kv_shape().BlockBytes());
  ASSIGN_OR_RETURN(const std::vector<BlockId> blocks, kv->Allocate(blocks_needed));
  std::vector<float> logits;
  for (int64_t first = 0; first < count; first += run.chunk) {
    const int64_t size = std::min(run.chunk, count - first);
    SequenceStep step;
    step.blocks = blocks;
    step.first_position = first;
    step.tokens = absl::MakeConstSpan(run.tokens).subspan(first, size);
    step.logits_count = size;
    RETURN_IF_ERROR(engine.Step({step}, *kv, experts, StepOptions(), &logits));
    out.Append(logits.data(), static_cast<int64_t>(logits.size() * sizeof(float)));
  }
  return out.Close();
}

}  // namespace

absl::Status RunLogits(const LogitsRun& run) {
  ASSIGN_OR_RETURN(const ModelConfig config, ModelConfig::Load(run.model));
  RETURN_IF_ERROR(CheckRun(run, config));
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(run.model));
  ThreadPool pool(run.threads);
  EngineOptions options;
  ASSIGN_OR_RETURN(options.numerics, ChooseNumerics(run.device, run.dtype, config));
  options.max_batch_tokens = std::min(run.chunk, static_cast<int64_t>(run.tokens.size()));
  ASSIGN_OR_RETURN(const WholeModel model, WholeModel::Load(*checkpoint, config, options, &pool));
  const TensorSpec spec = {"logits", DType::kF32, {static_cast<int64_t>(run.tokens.size()), config.vocab_size}};
  ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsStream> out, SafetensorsStream::Create(run.out, {spec}));
  return WriteLogits(run, model.engine(), model.experts(), *out);
}

}  // namespace baleen
