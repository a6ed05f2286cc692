#include "services/gateway/grpc_inference.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "proto/baleen/v1/inference.grpc.pb.h"
#include "services/common/request_id.h"
#include "services/gateway/api/prepare.h"
#include "services/gateway/api/requests.h"
#include "services/gateway/generation/choices.h"
#include "services/gateway/grpc_messages.h"
#include "services/gateway/tenants/charge.h"
#include "services/gateway/tenants/tenant_directory.h"

namespace baleen {
namespace {

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

absl::Time DeadlineOf(const grpc::CallbackServerContext& context, absl::Duration timeout) {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + timeout);
}

std::string Metadata(const grpc::CallbackServerContext& context, const char* name) {
  const auto header = context.client_metadata().find(name);
  return header == context.client_metadata().end() ? "" : std::string(header->second.data(), header->second.size());
}

absl::StatusOr<Caller> Authenticate(const InferenceOptions& options, const grpc::CallbackServerContext& context) {
  const std::string authorization = Metadata(context, "authorization");
  return options.tenants == nullptr ? OpenCaller(authorization) : options.tenants->Authenticate(authorization);
}

// Answers begin with what is left of the caller's limits, as REST's do.
void ShowLimits(const Caller& caller, grpc::CallbackServerContext* context) {
  if (caller.account == nullptr) return;
  for (const auto& [name, value] : caller.account->LimitHeaders()) context->AddInitialMetadata(name, value);
}

// A caller with a key, and room for a request in its tenant's limits.
absl::StatusOr<Caller> CountRequest(const InferenceOptions& options, grpc::CallbackServerContext* context) {
  ASSIGN_OR_RETURN(Caller caller, Authenticate(options, *context));
  if (caller.account == nullptr) return caller;
  if (absl::Status status = caller.account->TakeRequest(); !status.ok()) {
    ShowLimits(caller, context);
    return status;
  }
  return caller;
}

// A generation to run, within its tenant's limits.
struct Admitted {
  GenerationInput input;
  std::shared_ptr<Charge> charge;
};

// Writes a request's events one after another; at most max_tokens of each choice wait.
template <typename Response>
class ResponseWriter final : public grpc::ServerWriteReactor<Response> {
 public:
  void Begin(const InferenceOptions& options, absl::StatusOr<Admitted> admitted) {
    if (!admitted.ok()) {
      this->Finish(ToGrpc(admitted.status()));
      return;
    }
    const GenerationInput* const input = &admitted->input;
    request_id_ = RequestIdToHex(input->request_id);
    auto state = state_;
    state->writer = this;
    with_logprobs_ = input->spec.logprobs >= 0;
    const RequestOrigin origin{kOperation, input->request_id, input->traceparent};
    auto generation = StartChoices(
        options.generation, *input,
        [probe = options.probe, origin, charge = std::move(admitted->charge)](GenerationSink one) {
          return probe->Measure(charge->Meter(std::move(one)), origin);
        },
        [state](GenerationEvent event) { Deliver(*state, std::move(event)); });
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
      FillResponse(event, request_id_, with_logprobs_, &response);
      if (event.ends_request()) end_ = grpc::Status::OK;
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
  bool with_logprobs_ = false;
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
    writer->Begin(options_, Admit(context, *request));
    return writer;
  }

  grpc::ServerWriteReactor<v1::ChatResponse>* Chat(grpc::CallbackServerContext* context, const v1::ChatRequest* request) override {
    auto* writer = new ResponseWriter<v1::ChatResponse>();
    writer->Begin(options_, Admit(context, *request));
    return writer;
  }

  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context, const v1::TokenizeRequest* request,
                                     v1::TokenizeResponse* response) override {
    return Answer(context, CountRequest(options_, context), [&]() -> absl::Status {
      RETURN_IF_ERROR(options_.model->CheckName(request->model()));
      for (const int32_t id : options_.model->tokenizer->Encode(request->text(), AddedTokens::kText))
        response->add_ids(static_cast<uint32_t>(id));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context, const v1::ListModelsRequest*,
                                       v1::ListModelsResponse* response) override {
    return Answer(context, Authenticate(options_, *context), [&] {
      response->add_ids(options_.model->id);
      return absl::OkStatus();
    });
  }

 private:
  // Runs a unary method for a caller that may.
  template <typename Method>
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const absl::StatusOr<Caller>& caller, Method method) {
    if (caller.ok()) ShowLimits(*caller, context);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(caller.ok() ? method() : caller.status()));
    return reactor;
  }

  // The key comes first: who has none learns nothing about the request.
  template <typename Request>
  absl::StatusOr<Admitted> Admit(grpc::CallbackServerContext* context, const Request& request) const {
    ASSIGN_OR_RETURN(const Caller caller, CountRequest(options_, context));
    Admitted admitted;
    ASSIGN_OR_RETURN(admitted.input, Prepare(request, DeadlineOf(*context, options_.request_timeout)));
    GenerationInput& input = admitted.input;
    input.traceparent = Metadata(*context, "traceparent");
    input.cache_salt = caller.cache_salt;
    input.tenant = FairShareOf(caller, input.spec.user);
    input.priority = caller.priority;
    absl::StatusOr<std::shared_ptr<Charge>> charge = Charge::Begin(caller.account, input);
    ShowLimits(caller, context);
    if (!charge.ok()) return charge.status();
    admitted.charge = *std::move(charge);
    return admitted;
  }

  absl::StatusOr<GenerationInput> Prepare(const v1::GenerateRequest& request, absl::Time deadline) const {
    ASSIGN_OR_RETURN(const CompletionCall call, ToCompletionCall(request, options_.model->defaults));
    return PrepareCompletion(*options_.model, call, deadline);
  }

  absl::StatusOr<GenerationInput> Prepare(const v1::ChatRequest& request, absl::Time deadline) const {
    ASSIGN_OR_RETURN(const ChatCall call, ToChatCall(request, options_.model->defaults));
    return PrepareChat(*options_.model, call, deadline);
  }

  const InferenceOptions options_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceService(InferenceOptions options) {
  return std::make_unique<InferenceService>(std::move(options));
}

}  // namespace baleen
