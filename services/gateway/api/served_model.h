// The model a gateway serves: its names, tokenizer, template and limits. No weights.
#ifndef BALEEN_SERVICES_GATEWAY_API_SERVED_MODEL_H_
#define BALEEN_SERVICES_GATEWAY_API_SERVED_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/tokenizer/chat_template.h"
#include "model/tokenizer/tokenizer.h"
#include "services/gateway/api/generation_spec.h"

namespace baleen {

struct ServedModel {
  std::string id;  // The directory's name.
  std::unique_ptr<Tokenizer> tokenizer;
  ChatTemplateKind chat_template = ChatTemplateKind::kV3;
  int64_t max_position_embeddings = 0;
  int32_t bos_token_id = 0;
  int64_t longest_token_bytes = int64_t{1} << 40;  // Until it is known: no text is told to be long.
  GenerationSpec defaults;                         // temperature and top_p of generation_config.json.

  static absl::StatusOr<std::unique_ptr<ServedModel>> Load(const std::string& directory);

  // What a request's `thinking` does: "optional", "always" or "model", which decides by itself.
  const char* thinking() const;
  // NOT_FOUND unless `name` is this model.
  absl::Status CheckName(absl::string_view name) const;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_SERVED_MODEL_H_
