#include "services/attention/decode/start_sequence.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "proto/baleen/v1/attention.pb.h"
#include "services/common/grammar_wire.h"

namespace baleen {
namespace {

constexpr size_t kRequestIdBytes = 16;
constexpr int kMaxStopIds = 64;
constexpr int kMaxLogprobs = 20;
constexpr int32_t kMaxPriority = 100;
constexpr size_t kMaxSaltBytes = 64;
constexpr size_t kMaxOwnerBytes = 128;
constexpr int kMaxLogitBias = 1024;

absl::Status CheckTokens(const google::protobuf::RepeatedField<uint32_t>& tokens, const char* field, int64_t tokenizer_size) {
  for (int i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= static_cast<uint64_t>(tokenizer_size)) {
      return absl::InvalidArgumentError(absl::StrCat(field, "[", i, "] is ", tokens[i], ", the vocabulary has ", tokenizer_size));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLengths(const v1::StartSequence& start, const ModelLimits& limits) {
  const int64_t prompt = start.prompt_size();
  const int64_t generated = start.generated_size();
  if (prompt == 0) return absl::InvalidArgumentError("prompt is empty");
  if (prompt >= limits.max_positions) {
    return absl::InvalidArgumentError(absl::StrCat("prompt has ", prompt, " tokens, the model's context holds ", limits.max_positions));
  }
  if (start.stop().max_tokens() == 0) return absl::InvalidArgumentError("stop.max_tokens must be at least 1");
  if (start.stop().min_tokens() > start.stop().max_tokens()) {
    return absl::InvalidArgumentError(
        absl::StrCat("stop.min_tokens ", start.stop().min_tokens(), " is above stop.max_tokens ", start.stop().max_tokens()));
  }
  if (generated > start.stop().max_tokens() || prompt + generated > limits.max_positions) {
    return absl::InvalidArgumentError(absl::StrCat("generated has ", generated, " tokens, more than stop.max_tokens or the context allow"));
  }
  return absl::OkStatus();
}

bool Within(float value, float min, float max) { return value >= min && value <= max; }  // False for NaN.

absl::StatusOr<LogitAdjustments> ConvertAdjustments(const v1::SamplingParams& wire, int64_t tokenizer_size) {
  if (!Within(wire.presence_penalty(), -2, 2)) return absl::InvalidArgumentError("sampling.presence_penalty must be in [-2, 2]");
  if (!Within(wire.frequency_penalty(), -2, 2)) return absl::InvalidArgumentError("sampling.frequency_penalty must be in [-2, 2]");
  if (!Within(wire.repetition_penalty(), 0, 100)) return absl::InvalidArgumentError("sampling.repetition_penalty must be in [0, 100]");
  if (wire.logit_bias_size() > kMaxLogitBias) {
    return absl::InvalidArgumentError(absl::StrCat("sampling.logit_bias has more than ", kMaxLogitBias, " ids"));
  }
  LogitAdjustments adjustments;
  adjustments.presence_penalty = wire.presence_penalty();
  adjustments.frequency_penalty = wire.frequency_penalty();
  if (wire.repetition_penalty() > 0) adjustments.repetition_penalty = wire.repetition_penalty();
  for (const v1::LogitBias& bias : wire.logit_bias()) {
    if (bias.token() >= static_cast<uint64_t>(tokenizer_size) || !Within(bias.bias(), -100, 100)) {
      return absl::InvalidArgumentError("sampling.logit_bias must hold ids of the vocabulary with biases in [-100, 100]");
    }
    adjustments.bias.emplace_back(static_cast<int32_t>(bias.token()), bias.bias());
  }
  return adjustments;
}

absl::StatusOr<std::shared_ptr<GrammarMatcher>> ConvertGrammar(const v1::StartSequence& start, const ModelLimits& limits) {
  if (!start.sampling().has_grammar()) return std::shared_ptr<GrammarMatcher>();
  if (limits.vocabulary == nullptr) return absl::FailedPreconditionError("sampling.grammar needs a tokenizer, and this model has none");
  if (start.stop().ignore_eos()) return absl::InvalidArgumentError("sampling.grammar and stop.ignore_eos exclude each other");
  ASSIGN_OR_RETURN(const GrammarSpec spec, GrammarFromWire(start.sampling().grammar()));
  absl::StatusOr<Grammar> grammar = CompileGrammar(spec);
  if (!grammar.ok()) return absl::InvalidArgumentError(absl::StrCat("sampling.grammar ", grammar.status().message()));
  return std::make_shared<GrammarMatcher>(std::make_shared<const Grammar>(*std::move(grammar)), limits.vocabulary, spec.after_token,
                                          limits.eos_ids);
}

absl::StatusOr<SamplerParams> ConvertSampling(const v1::StartSequence& start, int64_t tokenizer_size) {
  const v1::SamplingParams& wire = start.sampling();
  if (!std::isfinite(wire.temperature()) || wire.temperature() < 0) {
    return absl::InvalidArgumentError("sampling.temperature must be finite and at least 0");
  }
  if (!(wire.top_p() > 0 && wire.top_p() <= 1)) return absl::InvalidArgumentError("sampling.top_p must be in (0, 1]");
  if (!Within(wire.min_p(), 0, 1)) return absl::InvalidArgumentError("sampling.min_p must be in [0, 1]");
  if (wire.logprobs() > kMaxLogprobs) return absl::InvalidArgumentError(absl::StrCat("sampling.logprobs must be at most ", kMaxLogprobs));
  SamplerParams params;
  params.temperature = wire.temperature();
  params.top_p = wire.top_p();
  params.top_k = static_cast<int>(std::min<int64_t>(wire.top_k(), tokenizer_size));
  params.min_p = wire.min_p();
  ASSIGN_OR_RETURN(params.adjustments, ConvertAdjustments(wire, tokenizer_size));
  params.seed = wire.seed();
  params.choice = start.context().choice();
  params.logprobs = std::max(wire.logprobs(), -1);
  return params;
}

absl::StatusOr<StopRules> ConvertStop(const v1::StopParams& wire, const ModelLimits& limits) {
  if (wire.stop_token_ids_size() > kMaxStopIds) {
    return absl::InvalidArgumentError(absl::StrCat("stop.stop_token_ids has more than ", kMaxStopIds, " ids"));
  }
  RETURN_IF_ERROR(CheckTokens(wire.stop_token_ids(), "stop.stop_token_ids", limits.tokenizer_size));
  StopRules rules;
  rules.max_tokens = wire.max_tokens();
  rules.min_tokens = wire.min_tokens();
  rules.max_positions = limits.max_positions;
  rules.stop_ids.assign(wire.stop_token_ids().begin(), wire.stop_token_ids().end());
  if (!wire.ignore_eos()) rules.stop_ids.insert(rules.stop_ids.end(), limits.eos_ids.begin(), limits.eos_ids.end());
  return rules;
}

}  // namespace

absl::StatusOr<absl::Time> CheckContext(const v1::RequestContext& context, const ModelLimits& limits, absl::Time now) {
  if (context.request_id().size() != kRequestIdBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("context.request_id has ", context.request_id().size(), " bytes instead of ", kRequestIdBytes));
  }
  if (!context.numerics_id().empty() && context.numerics_id() != limits.numerics_id) {
    return absl::FailedPreconditionError(
        absl::StrCat("the request's numerics_id is \"", context.numerics_id(), "\", this worker's is \"", limits.numerics_id, "\""));
  }
  if (context.timeout_ms() < 0) return absl::InvalidArgumentError("context.timeout_ms is negative");
  return now + (context.timeout_ms() == 0 ? limits.default_timeout : absl::Milliseconds(context.timeout_ms()));
}

absl::Status CheckPriority(int32_t priority) {
  if (priority >= -kMaxPriority && priority <= kMaxPriority) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("priority ", priority, " is outside -", kMaxPriority, " .. ", kMaxPriority));
}

absl::StatusOr<SequenceRequest> ConvertStart(const v1::StartSequence& start, const ModelLimits& limits, absl::Time now) {
  SequenceRequest request;
  ASSIGN_OR_RETURN(request.deadline, CheckContext(start.context(), limits, now));
  RETURN_IF_ERROR(CheckLengths(start, limits));
  RETURN_IF_ERROR(CheckTokens(start.prompt(), "prompt", limits.tokenizer_size));
  RETURN_IF_ERROR(CheckTokens(start.generated(), "generated", limits.tokenizer_size));
  ASSIGN_OR_RETURN(request.sampler, ConvertSampling(start, limits.tokenizer_size));
  ASSIGN_OR_RETURN(request.stop, ConvertStop(start.stop(), limits));
  ASSIGN_OR_RETURN(request.grammar, ConvertGrammar(start, limits));
  RETURN_IF_ERROR(CheckPriority(start.priority()));
  if (start.cache_salt().size() > kMaxSaltBytes) {
    return absl::InvalidArgumentError(absl::StrCat("cache_salt has more than ", kMaxSaltBytes, " bytes"));
  }
  if (start.owner().size() > kMaxOwnerBytes) {
    return absl::InvalidArgumentError(absl::StrCat("owner has more than ", kMaxOwnerBytes, " bytes"));
  }
  request.priority = start.priority();
  request.cache_salt = start.cache_salt();
  request.request_id = start.context().request_id();
  request.key = absl::StrCat("run/", request.request_id, "/", start.context().choice());
  request.attempt = start.context().attempt();
  request.tokens.reserve(static_cast<size_t>(start.prompt_size() + start.generated_size()));
  request.tokens.assign(start.prompt().begin(), start.prompt().end());
  request.tokens.insert(request.tokens.end(), start.generated().begin(), start.generated().end());
  request.prompt_tokens = start.prompt_size();
  return request;
}

}  // namespace baleen
