#include "services/gateway/api/served_model.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/config/model_config.h"
#include "model/config/model_id.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"

namespace baleen {
namespace {

// A checkpoint without generation_config.json samples at OpenAI's defaults.
absl::StatusOr<GenerationSpec> LoadDefaults(const std::string& directory) {
  GenerationSpec defaults;
  std::ifstream file(directory + "/generation_config.json");
  if (!file) return defaults;
  std::stringstream text;
  text << file.rdbuf();
  ASSIGN_OR_RETURN(const boost::json::object object, ParseBody(text.str()));
  ASSIGN_OR_RETURN(const auto do_sample, ReadBool(object, "do_sample"));
  ASSIGN_OR_RETURN(const auto temperature, ReadNumber(object, "temperature", 0, 2));
  ASSIGN_OR_RETURN(const auto top_p, ReadNumber(object, "top_p", 0, 1));
  defaults.temperature = do_sample.value_or(true) ? temperature.value_or(1.0) : 0.0;
  if (top_p && *top_p > 0) defaults.top_p = *top_p;
  return defaults;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServedModel>> ServedModel::Load(const std::string& directory) {
  ASSIGN_OR_RETURN(const ModelConfig config, ModelConfig::Load(directory));
  auto model = std::make_unique<ServedModel>();
  model->id = ModelId(directory);
  ASSIGN_OR_RETURN(model->tokenizer, Tokenizer::Load(directory));
  ASSIGN_OR_RETURN(model->chat_template, DetectChatTemplate(directory));
  ASSIGN_OR_RETURN(model->defaults, LoadDefaults(directory));
  model->longest_token_bytes = 1;
  for (int32_t id = 0; id < model->tokenizer->size(); ++id) {
    model->longest_token_bytes = std::max(model->longest_token_bytes, static_cast<int64_t>(model->tokenizer->TokenBytes(id).size()));
  }
  model->max_position_embeddings = config.max_position_embeddings;
  model->bos_token_id = static_cast<int32_t>(config.bos_token_id);
  return model;
}

const char* ServedModel::thinking() const {
  if (chat_template == ChatTemplateKind::kV31) return "optional";
  return chat_template == ChatTemplateKind::kR1 ? "always" : "model";
}

absl::Status ServedModel::CheckName(absl::string_view name) const {
  if (name == absl::string_view(id)) return absl::OkStatus();
  return WithErrorCode(absl::NotFoundError(absl::StrCat("The model '", name, "' is not served here; this server has '", id, "'.")),
                       "model_not_found");
}

}  // namespace baleen
