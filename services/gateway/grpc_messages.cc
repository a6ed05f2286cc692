#include "services/gateway/grpc_messages.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/fields.h"
#include "services/gateway/api/response_format.h"
#include "services/gateway/rest/answers.h"

namespace baleen {
namespace {

constexpr uint32_t kIdMax = std::numeric_limits<int32_t>::max();

// Ids that no vocabulary has stay such.
int32_t ToId(uint32_t id) { return static_cast<int32_t>(std::min(id, kIdMax)); }

void ReadSampling(const v1::GenerationOptions& options, GenerationSpec* spec) {
  if (options.has_temperature()) spec->temperature = options.temperature();
  if (options.has_top_p()) spec->top_p = options.top_p();
  if (options.has_min_p()) spec->min_p = options.min_p();
  if (options.has_presence_penalty()) spec->presence_penalty = options.presence_penalty();
  if (options.has_frequency_penalty()) spec->frequency_penalty = options.frequency_penalty();
  if (options.has_repetition_penalty()) spec->repetition_penalty = options.repetition_penalty();
  if (options.has_top_k()) spec->top_k = ToId(options.top_k());
  if (options.has_seed()) spec->seed = options.seed();
  if (options.has_n()) spec->choices = options.n();
  for (const auto& [id, bias] : options.logit_bias()) spec->logit_bias.emplace_back(ToId(id), bias);
  std::sort(spec->logit_bias.begin(), spec->logit_bias.end());
}

absl::StatusOr<GenerationSpec> ToSpec(const v1::GenerationOptions& options, const GenerationSpec& defaults) {
  GenerationSpec spec = defaults;
  ReadSampling(options, &spec);
  if (options.has_max_tokens()) spec.max_tokens = options.max_tokens();
  spec.min_tokens = options.min_tokens();
  spec.ignore_eos = options.ignore_eos();
  spec.stop.assign(options.stop().begin(), options.stop().end());
  if (options.has_logprobs()) spec.logprobs = ToId(options.logprobs());
  spec.user = options.user();
  spec.cache_salt = options.cache_salt();
  if (options.response_format().json_object()) spec.response_schema = kJsonObjectSchema;
  if (options.response_format().has_json_schema()) spec.response_schema = options.response_format().json_schema();
  RETURN_IF_ERROR(CheckGenerationSpec(spec));
  return spec;
}

absl::StatusOr<ChatTurn> ToTurn(const v1::ChatMessage& message, const std::string& field) {
  ChatTurn turn;
  ASSIGN_OR_RETURN(turn.role, TemplateRole(message.role(), absl::StrCat(field, ".role")));
  turn.content = PrivateText(message.content());
  for (const v1::ToolCall& call : message.tool_calls())
    turn.tool_calls.push_back({PrivateText(call.name()), PrivateText(call.arguments())});
  turn.prefix = message.prefix();
  turn.reasoning = PrivateText(message.reasoning_content());
  return turn;
}

absl::StatusOr<ToolUse> ToTools(const v1::ChatRequest& request) {
  ToolUse use;
  for (const v1::Tool& tool : request.tools()) {
    const std::string& schema = tool.parameters_json_schema();
    use.tools.push_back(
        {PrivateText(tool.name()), PrivateText(tool.description()), PrivateText(schema.empty() ? kJsonObjectSchema : schema)});
  }
  use.parallel = !request.single_tool_call();
  if (request.tool_choice() == v1::TOOL_CHOICE_NONE) use.choice = ToolChoice::kNone;
  if (request.tool_choice() == v1::TOOL_CHOICE_REQUIRED) use.choice = ToolChoice::kRequired;
  if (!request.tool_choice_name().empty()) {
    use.choice = ToolChoice::kRequired;
    use.name = PrivateText(request.tool_choice_name());
  }
  RETURN_IF_ERROR(CheckTools(use));
  return use;
}

v1::FinishReason ToProto(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return v1::FINISH_REASON_STOP;
    case Finish::kLength:
      return v1::FINISH_REASON_LENGTH;
    case Finish::kContentFilter:
      return v1::FINISH_REASON_CONTENT_FILTER;
    case Finish::kInsufficientResource:
      return v1::FINISH_REASON_INSUFFICIENT_RESOURCE;
    case Finish::kToolCalls:
      return v1::FINISH_REASON_TOOL_CALLS;
    case Finish::kNone:
      break;
  }
  return v1::FINISH_REASON_UNSPECIFIED;
}

template <typename Response>
void FillCommon(const GenerationEvent& event, const std::string& request_id, bool with_logprobs, Response* response) {
  response->set_request_id(request_id);
  response->set_choice(event.choice);
  response->set_finish_reason(ToProto(event.finish));
  if (event.last()) response->set_numerics_id(event.numerics_id);
  if (event.ends_request()) FillUsage(event.usage, response->mutable_usage());
  for (const TokenChoice& choice : event.tokens) {
    response->add_token_ids(static_cast<uint32_t>(choice.token));
    if (!with_logprobs) continue;
    v1::TokenLogprob* logprob = response->add_logprobs();
    logprob->set_token(static_cast<uint32_t>(choice.token));
    logprob->set_logprob(choice.logprob);
    v1::TopLogprobs* alternatives = response->add_top_logprobs();
    for (const auto& [token, value] : choice.top) {
      v1::TokenLogprob* top = alternatives->add_top();
      top->set_token(static_cast<uint32_t>(token));
      top->set_logprob(value);
    }
  }
}

}  // namespace

absl::StatusOr<CompletionCall> ToCompletionCall(const v1::GenerateRequest& request, const GenerationSpec& defaults) {
  if (request.prompt_case() == v1::GenerateRequest::PROMPT_NOT_SET) return InvalidField("prompt", "is required.");
  CompletionCall call;
  call.model = request.model();
  call.echo = request.echo();
  if (request.has_token_ids()) {
    std::vector<int32_t> ids;
    ids.reserve(static_cast<size_t>(request.token_ids().ids_size()));
    for (const uint32_t id : request.token_ids().ids()) ids.push_back(ToId(id));
    call.prompt = std::move(ids);
  } else {
    call.prompt = PrivateText(request.text());
  }
  ASSIGN_OR_RETURN(call.generation, ToSpec(request.options(), defaults));
  return call;
}

absl::StatusOr<ChatCall> ToChatCall(const v1::ChatRequest& request, const GenerationSpec& defaults) {
  if (request.messages_size() > kMaxMessages)
    return InvalidField("messages", absl::StrCat("may hold at most ", kMaxMessages, " messages."));
  ChatCall call;
  call.model = request.model();
  for (int i = 0; i < request.messages_size(); ++i) {
    ASSIGN_OR_RETURN(ChatTurn turn, ToTurn(request.messages(i), absl::StrCat("messages[", i, "]")));
    call.turns.push_back(std::move(turn));
  }
  if (request.has_thinking()) call.thinking = request.thinking();
  ASSIGN_OR_RETURN(call.tools, ToTools(request));
  ASSIGN_OR_RETURN(call.generation, ToSpec(request.options(), defaults));
  return call;
}

void FillResponse(const GenerationEvent& event, const std::string& request_id, bool with_logprobs, v1::GenerateResponse* response) {
  FillCommon(event, request_id, with_logprobs, response);
  response->set_text(event.text.reveal());
}

void FillResponse(const GenerationEvent& event, const std::string& request_id, bool with_logprobs, v1::ChatResponse* response) {
  FillCommon(event, request_id, with_logprobs, response);
  response->set_reasoning_content(event.reasoning.reveal());
  response->set_content(event.text.reveal());
  for (const ToolCallDelta& call : event.tool_calls) {
    v1::ToolCallDelta* delta = response->add_tool_calls();
    delta->set_index(static_cast<uint32_t>(call.index));
    if (!call.name.empty()) delta->set_id(ToolCallId(request_id, event.choice, call.index));
    delta->set_name(call.name.reveal());
    delta->set_arguments(call.arguments.reveal());
  }
}

void FillUsage(const GenerationUsage& usage, v1::Usage* message) {
  message->set_prompt_tokens(static_cast<uint32_t>(usage.prompt_tokens));
  message->set_completion_tokens(static_cast<uint32_t>(usage.completion_tokens));
  message->set_reasoning_tokens(static_cast<uint32_t>(usage.reasoning_tokens));
  message->set_prompt_cache_hit_tokens(static_cast<uint32_t>(usage.prompt_cache_hit_tokens));
  message->set_prompt_cache_miss_tokens(static_cast<uint32_t>(usage.prompt_tokens - usage.prompt_cache_hit_tokens));
}

void FillModel(const ServedModel& model, v1::Model* message) {
  message->set_id(model.id);
  message->set_max_model_len(static_cast<uint32_t>(model.max_position_embeddings));
  message->set_thinking(model.thinking());
}

void FillUsage(const TenantAccount& account, v1::GetUsageResponse* message) {
  const TenantUsage usage = account.Usage();
  message->set_tenant(account.name());
  message->set_since_unix_s(absl::ToUnixSeconds(usage.since));
  message->set_requests(usage.requests);
  message->set_input_cache_hit_tokens(usage.tokens.input_cache_hit);
  message->set_input_cache_miss_tokens(usage.tokens.input_cache_miss);
  message->set_output_tokens(usage.tokens.output);
  message->set_concurrent_streams(usage.streams);
  const std::optional<PriceTable>& prices = account.prices();
  if (!prices) return;
  message->mutable_cost()->set_currency(prices->currency);
  message->mutable_cost()->set_amount(prices->CostOf(usage.tokens));
  v1::Prices* table = message->mutable_prices();
  table->set_currency(prices->currency);
  table->set_input_cache_hit(prices->input_cache_hit);
  table->set_input_cache_miss(prices->input_cache_miss);
  table->set_output(prices->output);
}

}  // namespace baleen
