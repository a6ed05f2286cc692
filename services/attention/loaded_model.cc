#include "services/attention/loaded_model.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/cores.h"
#include "base/status_macros.h"
#include "model/config/model_id.h"
#include "model/tokenizer/tokenizer.h"
#include "model/weights/shared_weights.h"
#include "services/attention/engine/load_engine.h"

namespace baleen {
namespace {

absl::Status LoadVocabulary(const std::string& directory, int64_t vocab_size, ModelLimits* limits) {
  limits->tokenizer_size = vocab_size;
  if (!std::filesystem::exists(directory + "/tokenizer.json")) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer, Tokenizer::Load(directory));
  limits->tokenizer_size = std::min(tokenizer->size(), vocab_size);
  limits->vocabulary = std::make_shared<GrammarVocabulary>(*tokenizer, limits->tokenizer_size);
  return absl::OkStatus();
}

std::vector<ExpertId> MtpExperts(const ModelConfig& config) {
  return RoutedExperts(config, config.num_hidden_layers, config.num_hidden_layers + 1);
}

absl::Status LoadMtpExperts(LoadedModel* model, SharedWeights* shared) {
  const std::vector<ExpertId> ids = MtpExperts(model->config);
  ASSIGN_OR_RETURN(model->mtp_weights, ExpertWeights::Load(*model->checkpoint, model->config, ids, model->numerics, nullptr, shared));
  model->mtp_experts = std::make_unique<LocalExperts>(model->mtp_weights.get(), model->pool.get());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadedModel>> LoadModel(const LoadOptions& options) {
  auto model = std::make_unique<LoadedModel>();
  model->id = ModelId(options.directory);
  ASSIGN_OR_RETURN(model->config, ModelConfig::Load(options.directory));
  ASSIGN_OR_RETURN(model->numerics, ChooseNumerics(options.device, options.dtype, model->config));
  ASSIGN_OR_RETURN(model->checkpoint, Checkpoint::Open(options.directory));
  const int threads = options.threads > 0 ? options.threads : AvailableCores();
  model->pool = std::make_unique<ThreadPool>(threads);
  std::unique_ptr<SharedWeights> shared;
  if (!options.shared_weights.empty() && !model->numerics.on_gpu()) {
    ASSIGN_OR_RETURN(shared, SharedWeights::Open(options.shared_weights, *model->checkpoint, model->numerics));
  }
  const bool mtp_experts = options.mtp && options.mtp_experts;
  if (mtp_experts && model->numerics.on_gpu()) {
    ASSIGN_OR_RETURN(model->mtp_device_experts, DeviceExperts::Load(*model->checkpoint, model->config, MtpExperts(model->config),
                                                                    model->numerics, options.max_batch_tokens));
  }
  ASSIGN_OR_RETURN(model->engine, LoadEngine(*model->checkpoint, model->config,
                                             {.numerics = model->numerics,
                                              .max_batch_tokens = options.max_batch_tokens,
                                              .ping_pong_rows = options.ping_pong_rows,
                                              .mtp = options.mtp,
                                              .shared_weights = shared.get(),
                                              .tensor_parallel = options.tensor_parallel,
                                              .on_device_failure = options.on_device_failure,
                                              .mtp_device_experts = model->mtp_device_experts.get()},
                                             model->pool.get()));
  if (mtp_experts && !model->numerics.on_gpu()) RETURN_IF_ERROR(LoadMtpExperts(model.get(), shared.get()));
  model->digests = model->checkpoint->Digests();
  RETURN_IF_ERROR(LoadVocabulary(options.directory, model->config.vocab_size, &model->limits));
  model->limits.max_positions = model->config.max_position_embeddings;
  model->limits.eos_ids.assign(model->config.eos_token_ids.begin(), model->config.eos_token_ids.end());
  model->limits.numerics_id = model->numerics.Id();
  return model;
}

}  // namespace baleen
