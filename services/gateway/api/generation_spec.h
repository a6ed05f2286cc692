// What a client may ask of sampling and stopping, checked and with the model's defaults filled in.
#ifndef BALEEN_SERVICES_GATEWAY_API_GENERATION_SPEC_H_
#define BALEEN_SERVICES_GATEWAY_API_GENERATION_SPEC_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/sampling/grammar/grammar_spec.h"
#include "services/gateway/api/fields.h"

namespace baleen {

struct GenerationSpec {
  double temperature = 1;
  double top_p = 1;
  double min_p = 0;
  int64_t top_k = 0;
  double presence_penalty = 0;
  double frequency_penalty = 0;
  double repetition_penalty = 1;
  std::vector<std::pair<int32_t, float>> logit_bias = {};
  std::optional<uint64_t> seed = {};
  int64_t choices = 1;
  std::optional<int64_t> max_tokens = {};
  const char* max_tokens_name = kMaxTokensField.name;  // The field that the client sent.
  int64_t min_tokens = 0;
  bool ignore_eos = false;
  std::vector<std::string> stop = {};
  // Alternatives per token; -1 = no log-probabilities.
  int logprobs = -1;
  std::string user = {};        // Whom the client asks for; at most kMaxUserBytes, as is
  std::string cache_salt = {};  // what parts its cached KV from that of the caller's other requests; empty = nothing.
  // The JSON Schema of the answer; absent = free text.
  std::optional<std::string> response_schema = {};
  GrammarSpec grammar = {};  // Made from the above and from the tools by Prepare.
};

// Reads all the fields but log-probabilities, whose form differs between chat and completions. `defaults` has the
// checkpoint's own temperature and top_p. Accepts max_tokens and max_completion_tokens.
absl::StatusOr<GenerationSpec> ReadGenerationSpec(const boost::json::object& body, const GenerationSpec& defaults);

constexpr size_t kMaxUserBytes = 512;

// The bounds of api/fields.h and what fields ask of each other, for specs from any API. INVALID_ARGUMENT names the field.
absl::Status CheckGenerationSpec(const GenerationSpec& spec);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_GENERATION_SPEC_H_
