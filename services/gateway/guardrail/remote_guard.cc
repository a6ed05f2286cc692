#include "services/gateway/guardrail/remote_guard.h"

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "proto/baleen/v1/guardrail.grpc.pb.h"
#include "services/common/channel.h"
#include "services/common/channel_pool.h"
#include "services/common/grpc_deadline.h"

namespace baleen {
namespace {

constexpr int kTries = 3;

// What the calls of a guard share.
struct Link {
  explicit Link(RemoteGuardOptions given) : options(std::move(given)) {}
  const RemoteGuardOptions options;
  const std::shared_ptr<grpc::Channel> channel =
      MakeOutsideChannel(options.address, options.credentials != nullptr ? options.credentials : grpc::InsecureChannelCredentials());
  const std::shared_ptr<OpenCalls> calls = std::make_shared<OpenCalls>();
};

v1::OutputChannel ToProto(GuardChannel channel) {
  switch (channel) {
    case GuardChannel::kReasoning:
      return v1::OUTPUT_CHANNEL_REASONING;
    case GuardChannel::kToolCall:
      return v1::OUTPUT_CHANNEL_TOOL_CALL;
    case GuardChannel::kText:
      break;
  }
  return v1::OUTPUT_CHANNEL_TEXT;
}

GuardVerdict FromProto(const v1::CheckResponse& response) {
  GuardVerdict verdict;
  verdict.block = response.verdict() == v1::VERDICT_BLOCK;
  verdict.category = response.category();
  verdict.passed = response.passed();
  verdict.noted.assign(response.noted().begin(), response.noted().end());
  if (!verdict.block && response.verdict() != v1::VERDICT_ALLOW) verdict.status = absl::InternalError("the guard gave no verdict");
  return verdict;
}

// Where a call gets what it sends and leaves what it is told; does not call back into the call from within Message.
class CallOwner {
 public:
  virtual ~CallOwner() = default;
  // The request's message number `index`, or null while there is none; it stays.
  virtual const v1::CheckRequest* Message(size_t index) = 0;
  virtual void OnResponse(size_t index, const v1::CheckResponse& response) = 0;
  virtual void OnEnd(absl::Status status) = 0;
};

// Owns itself until OnDone.
class GuardCall final : public grpc::ClientBidiReactor<v1::CheckRequest, v1::CheckResponse>,
                        public std::enable_shared_from_this<GuardCall> {
 public:
  explicit GuardCall(std::shared_ptr<CallOwner> owner) : owner_(std::move(owner)) { context_->set_wait_for_ready(true); }

  void Begin(const std::shared_ptr<Link>& link) {
    calls_ = link->calls;
    id_ = calls_->Add([weak = weak_from_this()] {
      if (const auto call = weak.lock()) call->Cancel();
    });
    if (id_ == 0) return std::exchange(owner_, nullptr)->OnEnd(absl::CancelledError("the gateway is shutting down"));
    self_ = shared_from_this();
    stub_ = v1::Guardrail::NewStub(link->channel);
    stub_->async()->Check(context_.get(), this);
    AddHold();  // For writes that start outside reactions; released with the last read.
    StartRead(&response_);
    StartCall();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      begun_ = true;
    }
    Write();
  }

  // Sends what there is to send.
  void Write() {
    const std::shared_ptr<CallOwner> owner = Owner();
    if (owner == nullptr) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!begun_ || done_ || writing_) return;
    const v1::CheckRequest* message = owner->Message(next_);
    if (message == nullptr) return;
    ++next_;
    writing_ = true;
    StartWrite(message);
  }

  void Cancel() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  std::shared_ptr<CallOwner> Owner() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return owner_;
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      writing_ = false;
    }
    if (ok) Write();
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      if (const std::shared_ptr<CallOwner> owner = Owner()) owner->OnResponse(answered_++, response_);
      return StartRead(&response_);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
    RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<GuardCall> self = std::move(self_);
    std::shared_ptr<CallOwner> owner;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      owner = std::exchange(owner_, nullptr);
    }
    owner->OnEnd(absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()));
    owner.reset();
    {
      // Both refer to the channel, which must not go on one of gRPC's threads.
      const std::lock_guard<std::mutex> lock(mutex_);
      context_.reset();
    }
    stub_.reset();
    calls_->Remove(id_);
  }

  std::shared_ptr<OpenCalls> calls_;
  uint64_t id_ = 0;
  std::unique_ptr<v1::Guardrail::Stub> stub_;
  v1::CheckResponse response_;
  size_t answered_ = 0;  // Responses read.
  std::mutex mutex_;     // Guards what follows.
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();
  std::shared_ptr<CallOwner> owner_;
  size_t next_ = 0;  // The message to be written.
  bool begun_ = false;
  bool writing_ = false;
  bool done_ = false;
  std::shared_ptr<GuardCall> self_;
};

// A request's messages, and whoever waits for their responses.
class Conversation final : public CallOwner, public std::enable_shared_from_this<Conversation> {
 public:
  explicit Conversation(std::shared_ptr<Link> link) : link_(std::move(link)) {}

  void Ask(v1::CheckRequest message, GuardDone done) {
    std::shared_ptr<GuardCall> call;
    bool opens = false;
    absl::Status failed;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      failed = failure_;
      if (failed.ok()) {
        messages_.push_back(std::move(message));
        waiting_.push_back({std::move(done), Clock::Real()->Now() + link_->options.timeout});
        opens = call_ == nullptr;
        if (opens) call_ = std::make_shared<GuardCall>(shared_from_this());
        call = call_;
        if (!std::exchange(watched_, true)) Watch();
      }
    }
    if (!failed.ok()) return done({std::move(failed), false, "", 0, {}});
    opens ? call->Begin(link_) : call->Write();
  }

  // No callback follows.
  void Leave() {
    std::deque<Waiting> waiting;
    Close(absl::CancelledError("the request is over"), &waiting);
  }

 private:
  struct Waiting {
    GuardDone done;
    absl::Time deadline;
  };

  const v1::CheckRequest* Message(size_t index) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return index < messages_.size() ? &messages_[index] : nullptr;
  }

  void OnResponse(size_t index, const v1::CheckResponse& response) override {
    Waiting first;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!failure_.ok() || index < answered_ || waiting_.empty()) return;  // Told by an earlier call.
      ++answered_;
      tries_ = 0;
      first = std::move(waiting_.front());
      waiting_.pop_front();
    }
    first.done(FromProto(response));
  }

  void OnEnd(absl::Status status) override {
    if (status.ok()) status = absl::UnavailableError("the guard ended the call");
    std::shared_ptr<GuardCall> next;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      call_ = nullptr;
      if (!failure_.ok() || waiting_.empty()) return;  // The next check calls again.
      if (++tries_ < kTries) next = call_ = std::make_shared<GuardCall>(shared_from_this());
    }
    if (next != nullptr) return next->Begin(link_);
    Fail(std::move(status));
  }

  // Under the lock: looks after the oldest check when its time is over.
  void Watch() {
    // It must not fire before it is set.
    const absl::Time when = std::max(waiting_.front().deadline, Clock::Real()->Now() + absl::Milliseconds(1));
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(GrpcDeadline(when), [weak = weak_from_this()](bool) {
      if (const auto self = weak.lock()) self->OnTime();
    });
  }

  void OnTime() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      watched_ = failure_.ok() && !waiting_.empty();
      if (!watched_) return;
      if (waiting_.front().deadline > Clock::Real()->Now()) return Watch();
    }
    Fail(absl::DeadlineExceededError("the guard did not answer in time"));
  }

  void Fail(absl::Status status) {
    std::deque<Waiting> waiting;
    Close(status, &waiting);
    for (Waiting& one : waiting) one.done({status, false, "", 0, {}});
  }

  void Close(absl::Status status, std::deque<Waiting>* waiting) {
    std::shared_ptr<GuardCall> call;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (failure_.ok()) failure_ = std::move(status);
      waiting->swap(waiting_);
      call.swap(call_);
    }
    if (call != nullptr) call->Cancel();
  }

  const std::shared_ptr<Link> link_;
  std::mutex mutex_;                       // Guards what follows.
  std::deque<v1::CheckRequest> messages_;  // Never moved: calls write from them.
  std::deque<Waiting> waiting_;            // For the responses from answered_ on.
  size_t answered_ = 0;
  int tries_ = 0;         // That brought no answer.
  absl::Status failure_;  // Not OK: it is over.
  std::shared_ptr<GuardCall> call_;
  std::unique_ptr<grpc::Alarm> alarm_;  // One per wait: a callback may not set its own alarm again.
  bool watched_ = false;
};

class RemoteSession final : public GuardSession {
 public:
  RemoteSession(const std::shared_ptr<Link>& link, std::string request_id)
      : model_(link->options.model), request_id_(std::move(request_id)), conversation_(std::make_shared<Conversation>(link)) {}
  ~RemoteSession() override { conversation_->Leave(); }

  void CheckPrompt(PrivateText text, GuardDone done) override {
    v1::CheckRequest message;
    message.mutable_prompt()->set_request_id(request_id_);
    message.mutable_prompt()->set_model(model_);
    message.mutable_prompt()->set_text(std::move(text).reveal());
    conversation_->Ask(std::move(message), std::move(done));
  }

  void CheckOutput(GuardPiece piece, GuardDone done) override {
    v1::CheckRequest message;
    v1::GuardedOutput* output = message.mutable_output();
    output->set_choice(piece.choice);
    output->set_channel(ToProto(piece.channel));
    output->set_call(piece.call);
    output->set_text(std::move(piece.text).reveal());
    output->set_last(piece.last);
    conversation_->Ask(std::move(message), std::move(done));
  }

  void Cancel() override { conversation_->Leave(); }

 private:
  const std::string model_;
  const std::string request_id_;
  const std::shared_ptr<Conversation> conversation_;
};

class RemoteGuard final : public Guard {
 public:
  explicit RemoteGuard(RemoteGuardOptions options) : link_(std::make_shared<Link>(std::move(options))) {}
  ~RemoteGuard() override { link_->calls->Shutdown(); }

  std::shared_ptr<GuardSession> Open(const std::string& request_id) override { return std::make_shared<RemoteSession>(link_, request_id); }

 private:
  const std::shared_ptr<Link> link_;
};

}  // namespace

std::unique_ptr<Guard> MakeRemoteGuard(RemoteGuardOptions options) { return std::make_unique<RemoteGuard>(std::move(options)); }

}  // namespace baleen
