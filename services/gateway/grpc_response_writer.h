// Writes one gRPC request's events to its client.
#ifndef BALEEN_SERVICES_GATEWAY_GRPC_RESPONSE_WRITER_H_
#define BALEEN_SERVICES_GATEWAY_GRPC_RESPONSE_WRITER_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/request_id.h"
#include "services/common/timers.h"
#include "services/gateway/generation/choices.h"
#include "services/gateway/grpc_error.h"
#include "services/gateway/grpc_messages.h"
#include "services/gateway/idempotency/idempotent_answer.h"
#include "services/gateway/probe.h"
#include "services/gateway/resume/event_cursor.h"
#include "services/gateway/tenants/charge.h"

namespace baleen {

// A generation to run, within its tenant's limits.
struct AdmittedCall {
  GenerationInput input;
  std::shared_ptr<Charge> charge;
  std::shared_ptr<IdempotentAnswer> answer;  // Null without an idempotency key.
  EventCursor events;
  bool resumable = false;  // A client that leaves may come back.
};

// One after another, without those that the client has had. While more than a little waits for the client its generation is paused, so few
// wait however long the answer. Thread-safe. Lives until gRPC is done with it and nobody holds it: whoever prepares its call may come late,
// or never.
template <typename Response>
class GrpcResponseWriter final : public grpc::ServerWriteReactor<Response>,
                                 public std::enable_shared_from_this<GrpcResponseWriter<Response>> {
 public:
  // `held` is kept until gRPC is done with the call.
  static std::shared_ptr<GrpcResponseWriter> New(grpc::CallbackServerContext* context, std::shared_ptr<void> held) {
    std::shared_ptr<GrpcResponseWriter> writer(new GrpcResponseWriter(context));
    writer->held_ = std::move(held);
    writer->self_ = writer;
    return writer;
  }

  // Sends these with the first piece or the refusal; before Begin or Refuse.
  void AddHeaders(const std::vector<std::pair<std::string, std::string>>& headers) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (finished_) return;  // The context may have gone.
    for (const auto& [name, value] : headers) context_->AddInitialMetadata(name, value);
  }

  void Refuse(const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    FinishOnce(ToGrpc(status));
  }

  // Runs the call, unless its client has gone.
  void Begin(const GenerationContext& generation, GatewayProbe* probe, AdmittedCall call) {
    const std::shared_ptr<GrpcResponseWriter> self = this->shared_from_this();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (finished_) return;
      request_id_ = RequestIdToHex(call.answer != nullptr ? call.answer->record().request_id : call.input.request_id);
      with_logprobs_ = call.input.spec.logprobs >= 0;
      answer_ = call.answer;
      events_ = std::move(call.events);
      charge_ = call.charge;
      resumable_ = call.resumable;
    }
    GenerationSink sink = [self](GenerationEvent event) { self->OnEvent(std::move(event)); };
    if (call.answer != nullptr) sink = call.answer->Wrap(std::move(sink));
    const RequestOrigin origin = probe->Begin(kOperation, call.input);
    call.input.trace = origin.trace;
    auto started = StartChoices(
        generation, call.input,
        [probe, origin, charge = std::move(call.charge)](GenerationSink one) {
          return probe->Measure(charge->Meter(std::move(one)), origin);
        },
        std::move(sink));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      timers_ = generation.timers;
      if (!finished_) generation_ = std::exchange(started, nullptr);
      SettlePause();
    }
    // It ended, or its client left, while it was started.
    if (started != nullptr) LetGo(*started, call.resumable);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_bytes_ -= queue_.front().bytes;
    queue_.pop_front();
    if (ok) WriteNext();
    if (queue_.empty()) slow_ = false;
    SettlePause();
  }

  void OnCancel() override {
    std::shared_ptr<Generation> generation;
    std::shared_ptr<IdempotentAnswer> answer;
    bool resumable = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      resumable = resumable_;
      generation = std::move(generation_);
      answer = std::move(answer_);
      FinishOnce(grpc::Status::CANCELLED);
    }
    if (generation != nullptr) LetGo(*generation, resumable);
    if (answer != nullptr) answer->Left();
  }

  void OnDone() override {
    std::shared_ptr<Generation> generation;  // It owns this through its sink.
    std::shared_ptr<GrpcResponseWriter> self;
    const std::lock_guard<std::mutex> lock(mutex_);
    generation = std::move(generation_);
    self = std::move(self_);
    held_ = nullptr;
  }

 private:
  struct Waiting {
    Response response;
    size_t bytes;
  };

  // As a stream over REST: its source is asked to wait from here on.
  static constexpr size_t kSlowReaderBytes = 16 << 10;
  static constexpr Operation kOperation = std::is_same_v<Response, v1::ChatResponse> ? Operation::kChat : Operation::kTextCompletion;

  explicit GrpcResponseWriter(grpc::CallbackServerContext* context) : context_(context) {}

  static void LetGo(Generation& generation, bool resumable) { resumable ? generation.Detach() : generation.Cancel(); }

  void OnEvent(GenerationEvent event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (finished_) return;
    const bool writing = !queue_.empty();
    if (!event.status.ok()) {
      end_ = ToGrpc(event.status);
    } else {
      if (event.ends_request()) end_ = grpc::Status::OK;
      QueueUnlessHad(event);
    }
    if (!writing) WriteNext();
    SettlePause();
  }

  // Under the lock. Tells the generation from another thread: this one may be within its sink, where it takes no calls.
  void SettlePause() {
    if (generation_ == nullptr || finished_ || slow_ == paused_ || std::exchange(settling_, true)) return;
    timers_->After(absl::ZeroDuration(), [self = this->shared_from_this()] { self->PauseAsWanted(); });
  }

  // One at a time, so that the last wish is the last one told.
  void PauseAsWanted() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (generation_ != nullptr && !finished_ && slow_ != paused_) {
      std::shared_ptr<Generation> generation = generation_;
      const bool pause = paused_ = slow_;
      lock.unlock();
      generation->Pause(pause);
      generation = nullptr;
      lock.lock();
    }
    settling_ = false;
  }

  void QueueUnlessHad(const GenerationEvent& event) {
    Response response;
    if (!events_.Next(event.choice).empty()) {
      FillResponse(event, request_id_, with_logprobs_, &response);
    } else {
      if (const std::shared_ptr<Charge> charge = charge_.lock()) charge->Had(event);
      if (!event.ends_request() || !told_) return;
      // The choice that ends last now ended before another one then, so that its end came without the usage.
      GenerationEvent end;
      end.choice = event.choice;
      FillResponse(end, request_id_, with_logprobs_, &response);
      FillUsage(event.usage, response.mutable_usage());
    }
    told_ = true;
    if (resumable_) response.set_event_id(events_.Id());
    const size_t bytes = response.ByteSizeLong();
    waiting_bytes_ += bytes;
    queue_.push_back({std::move(response), bytes});
    if (waiting_bytes_ > kSlowReaderBytes) slow_ = true;
  }

  void WriteNext() {
    if (finished_) return;
    if (!queue_.empty()) {
      this->StartWrite(&queue_.front().response);
    } else if (end_) {
      FinishOnce(*end_);
    }
  }

  void FinishOnce(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) this->Finish(status);
  }

  grpc::CallbackServerContext* const context_;  // Until finished_.
  std::mutex mutex_;                            // Guards what follows.
  std::shared_ptr<GrpcResponseWriter> self_;    // Until gRPC is done with it.
  std::shared_ptr<void> held_;
  std::string request_id_;
  bool with_logprobs_ = false;
  bool resumable_ = false;
  EventCursor events_;
  std::weak_ptr<Charge> charge_;  // Held by who meters.
  bool told_ = false;             // The client has had something of this call.
  std::shared_ptr<Generation> generation_;
  std::shared_ptr<IdempotentAnswer> answer_;
  std::deque<Waiting> queue_;
  size_t waiting_bytes_ = 0;
  bool slow_ = false;      // From too much waiting to nothing waiting.
  bool paused_ = false;    // What the generation was told.
  bool settling_ = false;  // It is being told.
  Timers* timers_ = nullptr;
  std::optional<grpc::Status> end_;
  bool finished_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GRPC_RESPONSE_WRITER_H_
