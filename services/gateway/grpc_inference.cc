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
#include "services/gateway/admission/tenant.h"
#include "services/gateway/api/prepare.h"
#include "services/gateway/api/requests.h"
#include "services/gateway/generation/choices.h"
#include "services/gateway/grpc_messages.h"

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

// Adds what a call's metadata says: whose it is and which trace it belongs to.
absl::StatusOr<GenerationInput> WithMetadata(absl::StatusOr<GenerationInput> input, const grpc::CallbackServerContext& context) {
  if (!input.ok()) return input;
  const std::string authorization = Metadata(context, "authorization");
  input->traceparent = Metadata(context, "traceparent");
  input->cache_salt = KeyDigest(authorization);
  input->tenant = TenantOf(authorization, input->spec.user);
  return input;
}

// Writes a request's events one after another; at most max_tokens of each choice wait.
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
    with_logprobs_ = input->spec.logprobs >= 0;
    const RequestOrigin origin{kOperation, input->request_id, input->traceparent};
    auto generation = StartChoices(
        options.generation, *input, [probe = options.probe, origin](GenerationSink one) { return probe->Measure(std::move(one), origin); },
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
    writer->Begin(options_, WithMetadata(Prepare(*request, DeadlineOf(*context, options_.request_timeout)), *context));
    return writer;
  }

  grpc::ServerWriteReactor<v1::ChatResponse>* Chat(grpc::CallbackServerContext* context, const v1::ChatRequest* request) override {
    auto* writer = new ResponseWriter<v1::ChatResponse>();
    writer->Begin(options_, WithMetadata(Prepare(*request, DeadlineOf(*context, options_.request_timeout)), *context));
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
