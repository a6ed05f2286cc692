#include "services/gateway/api/generation_spec.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/tokenizer/stop_matcher.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"
#include "services/gateway/api/response_format.h"

namespace baleen {
namespace {

absl::StatusOr<std::vector<std::string>> ReadStops(const boost::json::object& body) {
  std::vector<std::string> stops;
  const boost::json::value* value = FindField(body, "stop");
  if (value == nullptr) return stops;
  const boost::json::array list = value->is_array() ? value->as_array() : boost::json::array{*value};
  if (list.size() > StopMatcher::kStopsMax)
    return InvalidField("stop", absl::StrCat("may hold at most ", StopMatcher::kStopsMax, " strings."));
  for (const boost::json::value& item : list) {
    if (!item.is_string()) return InvalidField("stop", "must be a string or a list of strings.");
    stops.emplace_back(item.as_string());
  }
  return stops;
}

absl::StatusOr<std::vector<std::pair<int32_t, float>>> ReadLogitBias(const boost::json::object& body) {
  constexpr char kForm[] = "must be an object from token ids to biases, as in {\"42\": -100}.";
  std::vector<std::pair<int32_t, float>> biases;
  const boost::json::value* value = FindField(body, "logit_bias");
  if (value == nullptr) return biases;
  if (!value->is_object()) return InvalidField("logit_bias", kForm);
  for (const auto& member : value->as_object()) {
    const absl::string_view key(member.key().data(), member.key().size());
    const bool digits = key.size() < 10 && std::all_of(key.begin(), key.end(), absl::ascii_isdigit);
    int32_t id = 0;
    if (!digits || !absl::SimpleAtoi(key, &id) || !member.value().is_number()) {
      return InvalidField("logit_bias", kForm);
    }
    biases.emplace_back(id, static_cast<float>(member.value().to_number<double>()));
  }
  return biases;
}

absl::Status ReadSampling(const boost::json::object& body, GenerationSpec* spec) {
  const std::pair<const NumberField*, double*> numbers[] = {{&kTemperatureField, &spec->temperature},
                                                            {&kTopPField, &spec->top_p},
                                                            {&kMinPField, &spec->min_p},
                                                            {&kPresencePenaltyField, &spec->presence_penalty},
                                                            {&kFrequencyPenaltyField, &spec->frequency_penalty},
                                                            {&kRepetitionPenaltyField, &spec->repetition_penalty}};
  for (const auto& [field, target] : numbers) {
    ASSIGN_OR_RETURN(const auto number, ReadNumber(body, *field));
    if (number) *target = *number;
  }
  ASSIGN_OR_RETURN(const auto top_k, ReadInteger(body, kTopKField));
  if (top_k) spec->top_k = std::max<int64_t>(*top_k, 0);
  ASSIGN_OR_RETURN(const auto seed, ReadInteger(body, kSeedField));
  if (seed) spec->seed = static_cast<uint64_t>(*seed);
  ASSIGN_OR_RETURN(const auto choices, ReadInteger(body, kChoicesField));
  if (choices) spec->choices = *choices;
  ASSIGN_OR_RETURN(spec->logit_bias, ReadLogitBias(body));
  return absl::OkStatus();
}

absl::Status ReadLimits(const boost::json::object& body, GenerationSpec* spec) {
  ASSIGN_OR_RETURN(const auto max_tokens, ReadInteger(body, kMaxTokensField));
  ASSIGN_OR_RETURN(const auto max_completion_tokens, ReadInteger(body, kMaxCompletionTokensField));
  spec->max_tokens = max_completion_tokens ? max_completion_tokens : max_tokens;
  if (max_completion_tokens) spec->max_tokens_name = kMaxCompletionTokensField.name;
  ASSIGN_OR_RETURN(const auto min_tokens, ReadInteger(body, kMinTokensField));
  if (min_tokens) spec->min_tokens = *min_tokens;
  ASSIGN_OR_RETURN(const auto ignore_eos, ReadBool(body, "ignore_eos"));
  spec->ignore_eos = ignore_eos.value_or(false);
  return absl::OkStatus();
}

absl::Status Within(const NumberField& field, double value) {
  if (value >= field.min && value <= field.max) return absl::OkStatus();
  return InvalidField(field.name, absl::StrCat("must be between ", field.min, " and ", field.max, "."));
}

absl::Status Within(const IntegerField& field, int64_t value) {
  if (value >= field.min && value <= field.max) return absl::OkStatus();
  return InvalidField(field.name, absl::StrCat("must be between ", field.min, " and ", field.max, "."));
}

absl::Status CheckStops(const std::vector<std::string>& stops) {
  if (stops.size() > StopMatcher::kStopsMax)
    return InvalidField("stop", absl::StrCat("may hold at most ", StopMatcher::kStopsMax, " strings."));
  for (const std::string& stop : stops) {
    if (stop.empty()) return InvalidField("stop", "must not hold an empty string.");
    if (stop.size() > StopMatcher::kStopBytesMax) {
      return InvalidField("stop", absl::StrCat("strings may have at most ", StopMatcher::kStopBytesMax, " bytes."));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLogitBias(const std::vector<std::pair<int32_t, float>>& biases) {
  if (biases.size() > kMaxLogitBias) return InvalidField("logit_bias", absl::StrCat("may hold at most ", kMaxLogitBias, " token ids."));
  for (const auto& [id, bias] : biases) {
    if (id < 0) return InvalidField("logit_bias", "token ids must not be negative.");
    if (!(bias >= -kMaxBias && bias <= kMaxBias)) {
      return InvalidField("logit_bias", absl::StrCat("biases must be between ", -kMaxBias, " and ", kMaxBias, "."));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GenerationSpec> ReadGenerationSpec(const boost::json::object& body, const GenerationSpec& defaults) {
  GenerationSpec spec = defaults;
  RETURN_IF_ERROR(ReadSampling(body, &spec));
  RETURN_IF_ERROR(ReadLimits(body, &spec));
  ASSIGN_OR_RETURN(spec.stop, ReadStops(body));
  ASSIGN_OR_RETURN(const auto user, ReadString(body, "user"));
  spec.user = user.value_or("");
  ASSIGN_OR_RETURN(const auto cache_salt, ReadString(body, "cache_salt"));
  spec.cache_salt = cache_salt.value_or("");
  ASSIGN_OR_RETURN(spec.response_schema, ReadResponseFormat(body));
  RETURN_IF_ERROR(CheckGenerationSpec(spec));
  return spec;
}

absl::Status CheckGenerationSpec(const GenerationSpec& spec) {
  RETURN_IF_ERROR(Within(kTemperatureField, spec.temperature));
  RETURN_IF_ERROR(Within(kTopPField, spec.top_p));
  RETURN_IF_ERROR(Within(kMinPField, spec.min_p));
  RETURN_IF_ERROR(Within(kPresencePenaltyField, spec.presence_penalty));
  RETURN_IF_ERROR(Within(kFrequencyPenaltyField, spec.frequency_penalty));
  RETURN_IF_ERROR(Within(kRepetitionPenaltyField, spec.repetition_penalty));
  RETURN_IF_ERROR(Within(kTopKField, spec.top_k));
  RETURN_IF_ERROR(Within(kChoicesField, spec.choices));
  if (spec.max_tokens) RETURN_IF_ERROR(Within(kMaxTokensField, *spec.max_tokens));
  RETURN_IF_ERROR(Within(kMinTokensField, spec.min_tokens));
  if (spec.max_tokens && spec.min_tokens > *spec.max_tokens)
    return InvalidField("min_tokens", absl::StrCat("must not exceed ", spec.max_tokens_name, "."));
  RETURN_IF_ERROR(CheckStops(spec.stop));
  RETURN_IF_ERROR(CheckLogitBias(spec.logit_bias));
  for (const auto& [field, value] : {std::pair("user", &spec.user), std::pair("cache_salt", &spec.cache_salt)}) {
    if (value->size() > kMaxUserBytes) return InvalidField(field, absl::StrCat("may have at most ", kMaxUserBytes, " bytes."));
  }
  if (spec.logprobs > kMaxLogprobs) return InvalidField("logprobs", absl::StrCat("may be at most ", kMaxLogprobs, "."));
  if (spec.response_schema && (spec.ignore_eos || spec.min_tokens > 0)) {
    return InvalidField("response_format", "cannot go with 'ignore_eos' or 'min_tokens': the format decides where the answer ends.");
  }
  return absl::OkStatus();
}

}  // namespace baleen
