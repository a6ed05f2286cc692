#include "services/gateway/grpc_inference.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "model/tokenizer/stop_matcher.h"
#include "proto/baleen/v1/inference.grpc.pb.h"
#include "services/common/request_id.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/prepare.h"
#include "services/gateway/api/requests.h"

namespace baleen {
namespace {

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
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
    case Finish::kNone:
      break;
  }
  return v1::FINISH_REASON_UNSPECIFIED;
}

absl::Status InRange(const char* field, double value, double min, double max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be between ", min, " and ", max, "."));
}

// The bounds are REST's.
absl::StatusOr<GenerationSpec> ToSpec(const v1::GenerationOptions& options, const GenerationSpec& defaults) {
  GenerationSpec spec = defaults;
  if (options.has_temperature()) spec.temperature = options.temperature();
  if (options.has_top_p()) spec.top_p = options.top_p();
  RETURN_IF_ERROR(InRange("temperature", spec.temperature, 0, 2));
  RETURN_IF_ERROR(InRange("top_p", spec.top_p, std::numeric_limits<float>::min(), 1));
  if (options.has_top_k()) spec.top_k = std::min<int64_t>(options.top_k(), std::numeric_limits<int32_t>::max());
  if (options.has_seed()) spec.seed = options.seed();
  if (options.has_max_tokens()) spec.max_tokens = options.max_tokens();
  if (spec.max_tokens == 0) return InvalidField("max_tokens", "must be at least 1.");
  spec.min_tokens = options.min_tokens();
  if (spec.max_tokens && spec.min_tokens > *spec.max_tokens) return InvalidField("min_tokens", "must not exceed max_tokens.");
  spec.ignore_eos = options.ignore_eos();
  if (static_cast<size_t>(options.stop_size()) > StopMatcher::kStopsMax)
    return InvalidField("stop", absl::StrCat("may hold at most ", StopMatcher::kStopsMax, " strings."));
  for (const std::string& stop : options.stop()) {
    if (stop.empty() || stop.size() > StopMatcher::kStopBytesMax)
      return InvalidField("stop", absl::StrCat("strings have 1 to ", StopMatcher::kStopBytesMax, " bytes."));
    spec.stop.push_back(stop);
  }
  if (options.has_logprobs() && options.logprobs() > kMaxLogprobs)
    return InvalidField("logprobs", absl::StrCat("may be at most ", kMaxLogprobs, "."));
  spec.logprobs = options.has_logprobs() ? static_cast<int>(options.logprobs()) : -1;
  return spec;
}

absl::Time DeadlineOf(const grpc::CallbackServerContext& context, absl::Duration timeout) {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + timeout);
}

void Fill(const GenerationEvent& event, v1::Usage* usage) {
  usage->set_prompt_tokens(static_cast<uint32_t>(event.usage.prompt_tokens));
  usage->set_completion_tokens(static_cast<uint32_t>(event.usage.completion_tokens));
  usage->set_reasoning_tokens(static_cast<uint32_t>(event.usage.reasoning_tokens));
  usage->set_prompt_cache_hit_tokens(static_cast<uint32_t>(event.usage.prompt_cache_hit_tokens));
  usage->set_prompt_cache_miss_tokens(static_cast<uint32_t>(event.usage.prompt_tokens - event.usage.prompt_cache_hit_tokens));
}

void FillText(const GenerationEvent& event, v1::GenerateResponse* response) {
  response->set_text(event.text);
  for (const TokenChoice& choice : event.tokens) {
    v1::TokenLogprob* logprob = response->add_logprobs();
    logprob->set_token(static_cast<uint32_t>(choice.token));
    logprob->set_logprob(choice.logprob);
  }
}

void FillText(const GenerationEvent& event, v1::ChatResponse* response) {
  response->set_reasoning_content(event.reasoning);
  response->set_content(event.text);
}

// Writes a generation's events one after another; at most max_tokens of them wait.
template <typename Response>
class ResponseWriter final : public grpc::ServerWriteReactor<Response> {
 public:
  void Begin(const InferenceOptions& options, absl::StatusOr<GenerationInput> input) {
    if (!input.ok()) {
      this->Finish(ToGrpc(input.status()));
      return;
    }
    request_id_ = RequestIdToHex(input->request_id);
    auto state = state_;
    state->writer = this;
    auto generation =
        StartGeneration(options.generation, *std::move(input),
                        options.probe->Measure([state](GenerationEvent event) { Deliver(*state, std::move(event)); }, kOperation));
    const std::lock_guard<std::mutex> lock(state->mutex);
    if (state->writer != nullptr) generation_ = std::move(generation);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    queue_.pop_front();
    if (ok) WriteNext();
  }

  void OnCancel() override {
    std::shared_ptr<Generation> generation;
    {
      const std::lock_guard<std::mutex> lock(state_->mutex);
      generation = generation_;
      FinishOnce(grpc::Status::CANCELLED);
    }
    if (generation != nullptr) generation->Cancel();
  }

  void OnDone() override {
    {
      const std::lock_guard<std::mutex> lock(state_->mutex);
      state_->writer = nullptr;
    }
    delete this;
  }

 private:
  static constexpr Operation kOperation = std::is_same_v<Response, v1::ChatResponse> ? Operation::kChat : Operation::kTextCompletion;

  // Outlives the reactor, since a generation's last event may come after it.
  struct State {
    std::mutex mutex;
    ResponseWriter* writer = nullptr;
  };

  static void Deliver(State& state, GenerationEvent event) {
    const std::lock_guard<std::mutex> lock(state.mutex);
    if (state.writer != nullptr) state.writer->Queue(std::move(event));
  }

  void Queue(GenerationEvent event) {
    if (!event.status.ok()) {
      end_ = ToGrpc(event.status);
    } else {
      Response response;
      FillText(event, &response);
      for (const TokenChoice& choice : event.tokens) response.add_token_ids(static_cast<uint32_t>(choice.token));
      response.set_finish_reason(ToProto(event.finish));
      if (event.last()) Fill(event, response.mutable_usage());
      if (event.last()) end_ = grpc::Status::OK;
      response.set_request_id(request_id_);
      queue_.push_back(std::move(response));
      if (queue_.size() > 1) return;  // A write is under way.
    }
    WriteNext();
  }

  void WriteNext() {
    if (finished_) return;
    if (!queue_.empty()) {
      this->StartWrite(&queue_.front());
    } else if (end_) {
      FinishOnce(*end_);
    }
  }

  void FinishOnce(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) this->Finish(status);
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::string request_id_;
  std::shared_ptr<Generation> generation_;
  std::deque<Response> queue_;
  std::optional<grpc::Status> end_;
  bool finished_ = false;
};

class InferenceService final : public v1::Inference::CallbackService {
 public:
  explicit InferenceService(InferenceOptions options) : options_(std::move(options)) {}

  grpc::ServerWriteReactor<v1::GenerateResponse>* Generate(grpc::CallbackServerContext* context,
                                                           const v1::GenerateRequest* request) override {
    auto* writer = new ResponseWriter<v1::GenerateResponse>();
    writer->Begin(options_, Prepare(*request, DeadlineOf(*context, options_.request_timeout)));
    return writer;
  }

  grpc::ServerWriteReactor<v1::ChatResponse>* Chat(grpc::CallbackServerContext* context, const v1::ChatRequest* request) override {
    auto* writer = new ResponseWriter<v1::ChatResponse>();
    writer->Begin(options_, Prepare(*request, DeadlineOf(*context, options_.request_timeout)));
    return writer;
  }

  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context, const v1::TokenizeRequest* request,
                                     v1::TokenizeResponse* response) override {
    for (const int32_t id : options_.model->tokenizer->Encode(request->text(), AddedTokens::kText))
      response->add_ids(static_cast<uint32_t>(id));
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(options_.model->CheckName(request->model())));
    return reactor;
  }

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context, const v1::ListModelsRequest*,
                                       v1::ListModelsResponse* response) override {
    response->add_ids(options_.model->id);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  absl::StatusOr<GenerationInput> Prepare(const v1::GenerateRequest& request, absl::Time deadline) const {
    CompletionCall call;
    call.model = request.model();
    if (request.has_token_ids()) {
      std::vector<int32_t> ids;
      for (const uint32_t id : request.token_ids().ids()) {
        ids.push_back(static_cast<int32_t>(std::min<uint32_t>(id, std::numeric_limits<int32_t>::max())));
      }
      call.prompt = std::move(ids);
    } else {
      call.prompt = request.text();
    }
    ASSIGN_OR_RETURN(call.generation, ToSpec(request.options(), options_.model->defaults));
    return PrepareCompletion(*options_.model, call, deadline);
  }

  absl::StatusOr<GenerationInput> Prepare(const v1::ChatRequest& request, absl::Time deadline) const {
    ChatCall call;
    call.model = request.model();
    for (const v1::ChatMessage& message : request.messages()) call.turns.push_back({message.role(), message.content()});
    if (request.has_thinking()) call.thinking = request.thinking();
    ASSIGN_OR_RETURN(call.generation, ToSpec(request.options(), options_.model->defaults));
    return PrepareChat(*options_.model, call, deadline);
  }

  const InferenceOptions options_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceService(InferenceOptions options) {
  return std::make_unique<InferenceService>(std::move(options));
}

}  // namespace baleen
