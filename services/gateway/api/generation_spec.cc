#include "services/gateway/api/generation_spec.h"

#include <boost/json.hpp>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/tokenizer/stop_matcher.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"

namespace baleen {
namespace {

constexpr int64_t kMaxTokens = std::numeric_limits<int32_t>::max();

absl::Status AppendStop(const boost::json::value& value, std::vector<std::string>* stops) {
  if (!value.is_string()) return InvalidField("stop", "must be a string or a list of strings.");
  const std::string text(value.as_string());
  if (text.empty()) return InvalidField("stop", "must not hold an empty string.");
  if (text.size() > StopMatcher::kStopBytesMax)
    return InvalidField("stop", absl::StrCat("strings may have at most ", StopMatcher::kStopBytesMax, " bytes."));
  stops->push_back(text);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ReadStops(const boost::json::object& body) {
  std::vector<std::string> stops;
  const boost::json::value* value = FindField(body, "stop");
  if (value == nullptr) return stops;
  if (!value->is_array()) {
    RETURN_IF_ERROR(AppendStop(*value, &stops));
    return stops;
  }
  if (value->as_array().size() > StopMatcher::kStopsMax)
    return InvalidField("stop", absl::StrCat("may hold at most ", StopMatcher::kStopsMax, " strings."));
  for (const boost::json::value& item : value->as_array()) RETURN_IF_ERROR(AppendStop(item, &stops));
  return stops;
}

absl::Status ReadSampling(const boost::json::object& body, GenerationSpec* spec) {
  ASSIGN_OR_RETURN(const auto temperature, ReadNumber(body, "temperature", 0, 2));
  if (temperature) spec->temperature = *temperature;
  ASSIGN_OR_RETURN(const auto top_p, ReadNumber(body, "top_p", 0, 1));
  if (top_p && *top_p == 0) return InvalidField("top_p", "must be greater than 0.");
  if (top_p) spec->top_p = *top_p;
  ASSIGN_OR_RETURN(const auto top_k, ReadInteger(body, "top_k", -1, kMaxTokens));
  if (top_k) spec->top_k = *top_k < 0 ? 0 : *top_k;
  ASSIGN_OR_RETURN(const auto seed, ReadInteger(body, "seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()));
  if (seed) spec->seed = static_cast<uint64_t>(*seed);
  return ReadInteger(body, "n", 1, 1).status();
}

absl::Status ReadLimits(const boost::json::object& body, GenerationSpec* spec) {
  ASSIGN_OR_RETURN(const auto max_tokens, ReadInteger(body, "max_tokens", 1, kMaxTokens));
  ASSIGN_OR_RETURN(const auto max_completion_tokens, ReadInteger(body, "max_completion_tokens", 1, kMaxTokens));
  spec->max_tokens = max_completion_tokens ? max_completion_tokens : max_tokens;
  ASSIGN_OR_RETURN(const auto min_tokens, ReadInteger(body, "min_tokens", 0, kMaxTokens));
  if (min_tokens) spec->min_tokens = *min_tokens;
  if (spec->max_tokens && spec->min_tokens > *spec->max_tokens) return InvalidField("min_tokens", "must not exceed max_tokens.");
  ASSIGN_OR_RETURN(const auto ignore_eos, ReadBool(body, "ignore_eos"));
  spec->ignore_eos = ignore_eos.value_or(false);
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
  if (spec.user.size() > kMaxUserBytes) return InvalidField("user", absl::StrCat("may have at most ", kMaxUserBytes, " bytes."));
  return spec;
}

}  // namespace baleen
