#include "services/attention/prefill/fill_call.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/probe.h"
#include "services/attention/trace/sequence_trace.h"
#include "services/attention/worker/step_loop.h"
#include "services/kv/transfer/kv_sender.h"

namespace baleen {

absl::StatusOr<SequenceRequest> ConvertFill(const v1::FillRequest& request, const ModelLimits& limits, absl::Time now) {
  SequenceRequest fill;
  ASSIGN_OR_RETURN(fill.deadline, CheckContext(request.context(), limits, now));
  if (request.kv_address().empty()) return absl::InvalidArgumentError("kv_address is empty");
  if (request.tokens_size() == 0) return absl::InvalidArgumentError("tokens is empty");
  if (request.tokens_size() > limits.max_positions) {
    return absl::InvalidArgumentError(
        absl::StrCat("tokens has ", request.tokens_size(), " ids, the model's context holds ", limits.max_positions));
  }
  for (int i = 0; i < request.tokens_size(); ++i) {
    if (request.tokens(i) >= static_cast<uint64_t>(limits.tokenizer_size)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tokens[", i, "] is ", request.tokens(i), ", the vocabulary has ", limits.tokenizer_size));
    }
  }
  if (request.first_token() >= static_cast<uint64_t>(request.tokens_size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("first_token is ", request.first_token(), ", tokens has ", request.tokens_size(), " ids"));
  }
  if (request.has_next_token()) {
    if (request.next_token() >= static_cast<uint64_t>(limits.tokenizer_size)) {
      return absl::InvalidArgumentError(
          absl::StrCat("next_token is ", request.next_token(), ", the vocabulary has ", limits.tokenizer_size));
    }
    fill.next_token = static_cast<int32_t>(request.next_token());
  }
  RETURN_IF_ERROR(CheckPriority(request.priority()));
  fill.priority = request.priority();
  fill.cache_salt = request.cache_salt();
  fill.request_id = request.context().request_id();
  fill.key = absl::StrCat("fill/", request.kv_address(), "/", request.reservation());
  fill.attempt = request.context().attempt();
  fill.tokens.assign(request.tokens().begin(), request.tokens().end());
  fill.prompt_tokens = request.tokens_size();
  fill.generates = false;
  return fill;
}

FillCall* FillCall::Start(const FillCallContext* context, const v1::FillRequest& request, v1::FillReply* reply) {
  std::shared_ptr<FillCall> call(new FillCall(context, reply));
  call->self_ = call;
  call->Begin(request);
  return call.get();
}

void FillCall::Begin(const v1::FillRequest& request) {
  absl::StatusOr<SequenceRequest> fill = ConvertFill(request, context_->limits, context_->clock->Now());
  if (!fill.ok()) return Reply(fill.status());
  tokens_ = fill->prompt_tokens;
  first_ = request.first_token();
  layers_ = request.kv_layers() > 0 ? static_cast<int>(request.kv_layers()) : std::numeric_limits<int>::max();
  fill->observer = shared_from_this();
  trace_ = JoinTrace(context_->spans, request.traceparent(), context_->clock->Now());
  fill->trace = trace_;
  push_ = context_->sender->Open(request.kv_address(), request.context(), request.reservation(),
                                 [self = shared_from_this()](absl::Status status) { self->OnPushOver(status); });
  const absl::StatusOr<SequenceId> id = context_->loop->Submit(*std::move(fill));
  if (!id.ok()) {
    Reply(id.status());
    push_->Cancel();
    return;
  }
  absl::Status stopped;
  {
    const std::lock_guard lock(mu_);
    sequence_ = *id;
    stopped = stopped_;
  }
  if (!stopped.ok()) context_->loop->Cancel(*id, stopped);
}

void FillCall::OnCached(int64_t cached_tokens) { cached_ = cached_tokens; }

void FillCall::OnLayer(absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) {
  const int64_t skipped = std::clamp<int64_t>(first_ - first, 0, count);
  first += skipped;
  count -= skipped;
  if (count == 0 || layer >= layers_) return;
  const size_t bytes = static_cast<size_t>(count * context_->row_bytes);
  if (trace_ != nullptr) trace_->RowsSent(bytes, context_->clock->Now());
  push_->Enqueue(blocks, layer, first, count);
  context_->probe->PageSent(bytes);
}

void FillCall::OnFinished(const absl::Status& status, StopReason reason) {
  if (status.ok()) {
    push_->Finish();
    return;
  }
  Reply(status);
  push_->Cancel();
}

void FillCall::OnPushOver(const absl::Status& status) {
  if (trace_ != nullptr) trace_->HandOverEnded(status, context_->clock->Now());
  // An error that comes while rows are still computed stops that; after an earlier Reply this changes nothing.
  if (!status.ok()) StopComputing(status);
  Reply(status);
}

void FillCall::StopComputing(const absl::Status& why) {
  std::optional<SequenceId> sequence;
  {
    const std::lock_guard lock(mu_);
    if (stopped_.ok()) stopped_ = why;
    sequence = sequence_;
  }
  if (sequence.has_value()) context_->loop->Cancel(*sequence, why);
}

void FillCall::OnCancel() {
  const absl::Status why = absl::CancelledError("the decode worker cancelled the fill");
  StopComputing(why);
  Reply(why);
  if (push_ != nullptr) push_->Cancel();
}

void FillCall::Reply(const absl::Status& status) {
  {
    const std::lock_guard lock(mu_);
    if (std::exchange(replied_, true)) return;
  }
  if (status.ok()) {
    reply_->set_tokens_cached(static_cast<uint32_t>(cached_));
    reply_->set_tokens_computed(static_cast<uint32_t>(tokens_ - cached_));
  }
  Finish(grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message())));
}

void FillCall::OnDone() {
  // The last reference may be this one; it dies on return.
  const std::shared_ptr<FillCall> self = std::move(self_);
}

}  // namespace baleen
