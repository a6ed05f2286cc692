#include "services/gateway/grpc_inference.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "model/tokenizer/detokenizer.h"
#include "proto/baleen/v1/inference.grpc.pb.h"
#include "services/common/grpc_deadline.h"
#include "services/common/request_id.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/prepare.h"
#include "services/gateway/api/requests.h"
#include "services/gateway/grpc_error.h"
#include "services/gateway/grpc_messages.h"
#include "services/gateway/grpc_response_writer.h"
#include "services/gateway/idempotency/claim.h"
#include "services/gateway/resume/request_finder.h"
#include "services/gateway/resume/resumption.h"
#include "services/gateway/tenants/check_room.h"
#include "services/gateway/tenants/tenant_directory.h"
#include "services/gateway/text_pool/text_pool.h"

namespace baleen {
namespace {

// The client's own timeout holds where it is shorter.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context, absl::Time now, absl::Duration timeout) {
  return now + std::min(TimeLeft(context), timeout);
}

std::string Metadata(const grpc::CallbackServerContext& context, const char* name) {
  const auto header = context.client_metadata().find(name);
  return header == context.client_metadata().end() ? "" : std::string(header->second.data(), header->second.size());
}

// The same bytes for the same message, maps and all.
std::string Serialized(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// What a call has beside its message. Nothing of gRPC's: a call is prepared on whichever thread, and its client may have left by then.
struct CallHead {
  Caller caller;
  absl::Time deadline;
  std::string traceparent;
  std::string request_id;  // 16 bytes; empty = to be drawn.
  std::string idempotency_key;
  Resumption resumption;
};

std::vector<std::pair<std::string, std::string>> LimitHeaders(const Caller& caller) {
  return caller.account == nullptr ? std::vector<std::pair<std::string, std::string>>() : caller.account->LimitHeaders();
}

// Answers begin with what is left of the caller's limits, as REST's do.
void ShowLimits(const Caller& caller, grpc::CallbackServerContext* context) {
  for (const auto& [name, value] : LimitHeaders(caller)) context->AddInitialMetadata(name, value);
}

// A call, as long as this is kept.
std::shared_ptr<void> Count(const std::shared_ptr<std::atomic<int>>& calls) {
  if (calls == nullptr) return nullptr;
  ++*calls;
  return {nullptr, [calls](void*) { --*calls; }};
}

class InferenceService final : public v1::Inference::CallbackService {
 public:
  explicit InferenceService(InferenceOptions options) : options_(std::move(options)) {}

  grpc::ServerWriteReactor<v1::GenerateResponse>* Generate(grpc::CallbackServerContext* context,
                                                           const v1::GenerateRequest* request) override {
    return Run<v1::GenerateResponse>(context, *request);
  }

  grpc::ServerWriteReactor<v1::ChatResponse>* Chat(grpc::CallbackServerContext* context, const v1::ChatRequest* request) override {
    return Run<v1::ChatResponse>(context, *request);
  }

  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context, const v1::TokenizeRequest* request,
                                     v1::TokenizeResponse* response) override {
    return Answer(context, CountRequest(context), request->text().size(), [this, request, response]() -> absl::Status {
      RETURN_IF_ERROR(options_.model->CheckName(request->model()));
      if (request->add_special_tokens()) response->add_ids(static_cast<uint32_t>(options_.model->bos_token_id));
      for (const int32_t id : options_.model->tokenizer->Encode(request->text(), AddedTokens::kText))
        response->add_ids(static_cast<uint32_t>(id));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* Detokenize(grpc::CallbackServerContext* context, const v1::DetokenizeRequest* request,
                                       v1::DetokenizeResponse* response) override {
    return Answer(context, CountRequest(context), request->ByteSizeLong(), [this, request, response]() -> absl::Status {
      RETURN_IF_ERROR(options_.model->CheckName(request->model()));
      ASSIGN_OR_RETURN(*response->mutable_text(), DetokenizedText(*request));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context, const v1::ListModelsRequest*,
                                       v1::ListModelsResponse* response) override {
    return Answer(context, Authenticate(*context), 0, [this, response] {
      response->add_ids(options_.model->id);
      FillModel(*options_.model, response->add_models());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetUsage(grpc::CallbackServerContext* context, const v1::GetUsageRequest*,
                                     v1::GetUsageResponse* response) override {
    const absl::StatusOr<Caller> caller = Authenticate(*context);
    const std::shared_ptr<TenantAccount> account = caller.ok() ? caller->account : nullptr;
    return Answer(context, caller, 0, [account, response]() -> absl::Status {
      if (account == nullptr) return absl::NotFoundError("Usage is not metered here.");
      FillUsage(*account, response);
      return absl::OkStatus();
    });
  }

 private:
  absl::StatusOr<Caller> Authenticate(const grpc::CallbackServerContext& context) const {
    const std::string authorization = Metadata(context, "authorization");
    return options_.tenants == nullptr ? OpenCaller(authorization) : options_.tenants->Authenticate(authorization);
  }

  // A caller with a key, and room for a request in its tenant's limits.
  absl::StatusOr<Caller> CountRequest(grpc::CallbackServerContext* context) const {
    ASSIGN_OR_RETURN(Caller caller, Authenticate(*context));
    if (caller.account == nullptr) return caller;
    if (absl::Status status = caller.account->TakeRequest(); !status.ok()) {
      ShowLimits(caller, context);
      return status;
    }
    return caller;
  }

  // `work` on a text of so many bytes, at once or on the pool's threads.
  absl::Status OnText(const Caller& caller, size_t bytes, std::function<void()> work) const {
    if (options_.texts != nullptr) return options_.texts->Run(caller.id, bytes, std::move(work));
    work();
    return absl::OkStatus();
  }

  // Runs a unary method for a caller that may. Its messages live until its reactor's end.
  template <typename Method>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const absl::StatusOr<Caller>& caller, size_t bytes,
                                   Method method) const {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    absl::Status status = caller.status();
    if (caller.ok()) {
      ShowLimits(*caller, context);
      status = OnText(*caller, bytes, [reactor, method, counted = Count(options_.calls)] { reactor->Finish(ToGrpc(method())); });
    }
    if (!status.ok()) reactor->Finish(ToGrpc(status));
    return reactor;
  }

  // The key comes first: who has none learns nothing about the request.
  template <typename Response, typename Request>
  grpc::ServerWriteReactor<Response>* Run(grpc::CallbackServerContext* context, const Request& request) const {
    const auto writer = GrpcResponseWriter<Response>::New(context, Count(options_.calls));
    // What resumes was counted when it was begun.
    const absl::StatusOr<Caller> caller = request.has_resume() ? Authenticate(*context) : CountRequest(context);
    if (!caller.ok()) {
      writer->Refuse(caller.status());
      return writer.get();
    }
    CallHead head;
    head.caller = *caller;
    head.deadline = DeadlineOf(*context, options_.generation.clock->Now(), options_.request_timeout);
    head.traceparent = Metadata(*context, "traceparent");
    head.idempotency_key = Metadata(*context, "idempotency-key");
    if (request.has_resume()) {
      if (absl::Status status = Resume(writer, std::move(head), request); !status.ok()) writer->Refuse(status);
      return writer.get();
    }
    // Other ids are the client's own business.
    if (auto id = RequestIdFromHex(Metadata(*context, "x-request-id")); id.ok()) head.request_id = *std::move(id);
    if (options_.finder != nullptr && Metadata(*context, "x-baleen-resumable") == "1") head.resumption = ResumableAs(request, head.caller);
    Start(writer, head, std::make_shared<const Request>(request));
    return writer.get();
  }

  template <typename Response, typename Request>
  void Start(const std::shared_ptr<GrpcResponseWriter<Response>>& writer, const CallHead& head,
             std::shared_ptr<const Request> request) const {
    const size_t bytes = request->ByteSizeLong();
    const absl::Status status = OnText(head.caller, bytes, [this, writer, head, request = std::move(request)] {
      absl::StatusOr<AdmittedCall> call = Admit(head, *request);
      writer->AddHeaders(LimitHeaders(head.caller));
      if (!call.ok()) return writer->Refuse(call.status());
      writer->Begin(options_.generation, options_.probe, *std::move(call));
    });
    if (!status.ok()) writer->Refuse(status);
  }

  template <typename Request>
  static Resumption ResumableAs(const Request& request, const Caller& caller) {
    Resumption resumption{.resumable = true, .resumed = false, .edge = {}, .had = {}, .progress = {}};
    resumption.edge.set_path(Request::descriptor()->full_name());
    resumption.edge.set_body(Serialized(request));
    resumption.edge.set_created_unix_s(absl::ToUnixSeconds(absl::Now()));
    resumption.edge.set_tenant(caller.id);
    return resumption;
  }

  template <typename Response, typename Request>
  absl::Status Resume(const std::shared_ptr<GrpcResponseWriter<Response>>& writer, CallHead head, const Request& request) const {
    Request rest = request;
    rest.clear_resume();
    if (rest.ByteSizeLong() > 0) return InvalidField("resume", "goes alone: the request is the one that was begun.");
    absl::StatusOr<std::string> id = RequestIdFromHex(request.resume().request_id());
    if (!id.ok() || options_.finder == nullptr) return absl::NotFoundError("There is no such request here.");
    head.request_id = *std::move(id);
    Resumption& resumption = head.resumption;
    ASSIGN_OR_RETURN(resumption.had, ParseEventId(request.resume().last_event_id()));
    resumption.resumable = true;
    resumption.resumed = true;
    v1::RecallRequest recall;
    recall.set_request_id(head.request_id);
    recall.set_owner(head.caller.id);
    options_.finder->Find(recall, [this, writer, head = std::move(head)](absl::StatusOr<FoundRequest> found) mutable {
      absl::StatusOr<std::shared_ptr<const Request>> begun = TakeUp<Request>(std::move(found), &head);
      begun.ok() ? Start(writer, head, *std::move(begun)) : writer->Refuse(begun.status());
    });
    return absl::OkStatus();
  }

  // The request that was begun, as a call of this method.
  template <typename Request>
  static absl::StatusOr<std::shared_ptr<const Request>> TakeUp(absl::StatusOr<FoundRequest> found, CallHead* head) {
    RETURN_IF_ERROR(found.status());
    if (found->edge.tenant() != head->caller.id) return absl::NotFoundError("There is no such request here.");
    if (found->edge.path() != Request::descriptor()->full_name())
      return absl::InvalidArgumentError("This request was begun by another method, with which it can be taken up again.");
    auto request = std::make_shared<Request>();
    if (!request->ParseFromString(found->edge.body())) return absl::DataLossError("The request cannot be resumed.");
    head->resumption.edge = std::move(found->edge);
    head->resumption.progress = std::move(found->choices);
    return request;
  }

  template <typename Request>
  absl::StatusOr<AdmittedCall> Admit(const CallHead& head, const Request& request) const {
    AdmittedCall call;
    ASSIGN_OR_RETURN(call.input, Prepare(request, head));
    GenerationInput& input = call.input;
    const bool seeded = request.options().has_seed();
    if (!head.request_id.empty()) input.request_id = head.request_id;
    input.traceparent = head.traceparent;
    input.cache_salt = CacheSaltOf(head.caller, input.spec.cache_salt);
    input.tenant = FairShareOf(head.caller, input.spec.user);
    input.priority = head.caller.priority;
    ASSIGN_OR_RETURN(call.events, head.resumption.Apply(/*streamed=*/true, seeded, &input));
    call.resumable = head.resumption.resumable;
    BilledBefore before = BilledFor(call.events);
    if (!head.idempotency_key.empty()) {
      if (call.resumable) return absl::InvalidArgumentError("idempotency-key cannot go with x-baleen-resumable, whose request is resumed.");
      if (options_.idempotency == nullptr) return absl::UnimplementedError("Idempotency keys are not kept here.");
      const std::string digest = RequestDigest(Request::descriptor()->full_name(), Serialized(request));
      const KeyedRequest keyed{head.idempotency_key, digest, seeded, absl::ToUnixSeconds(absl::Now())};
      ASSIGN_OR_RETURN(call.answer, ClaimAnswer(*options_.idempotency, head.caller, keyed, &input));
      before.free = call.answer->record().answered;
    }
    ASSIGN_OR_RETURN(call.charge, Charge::Begin(head.caller.account, input, before));
    return call;
  }

  // What resumes was admitted before.
  absl::Status RoomFor(const CallHead& head, int64_t least_prompt_tokens, const GenerationSpec& spec) const {
    return head.resumption.resumed ? absl::OkStatus() : CheckRoom(options_.generation, head.caller, least_prompt_tokens, spec);
  }

  absl::StatusOr<GenerationInput> Prepare(const v1::GenerateRequest& request, const CallHead& head) const {
    ASSIGN_OR_RETURN(const CompletionCall call, ToCompletionCall(request, options_.model->defaults));
    RETURN_IF_ERROR(RoomFor(head, LeastPromptTokens(*options_.model, call), call.generation));
    return PrepareCompletion(*options_.model, call, head.deadline);
  }

  absl::StatusOr<GenerationInput> Prepare(const v1::ChatRequest& request, const CallHead& head) const {
    ASSIGN_OR_RETURN(const ChatCall call, ToChatCall(request, options_.model->defaults));
    RETURN_IF_ERROR(RoomFor(head, LeastPromptTokens(*options_.model, call), call.generation));
    return PrepareChat(*options_.model, call, head.deadline);
  }

  absl::StatusOr<std::string> DetokenizedText(const v1::DetokenizeRequest& request) const {
    const Tokenizer& tokenizer = *options_.model->tokenizer;
    Detokenizer detokenizer(tokenizer, /*skip_special=*/false);
    std::string text;
    for (const uint32_t id : request.ids()) {
      if (id >= static_cast<uint64_t>(tokenizer.size())) {
        return InvalidField("ids", absl::StrCat("must hold ids from 0 to ", tokenizer.size() - 1, "."));
      }
      text += detokenizer.Add(static_cast<int32_t>(id));
    }
    return text + detokenizer.Finish();
  }

  const InferenceOptions options_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceService(InferenceOptions options) {
  return std::make_unique<InferenceService>(std::move(options));
}

}  // namespace baleen
