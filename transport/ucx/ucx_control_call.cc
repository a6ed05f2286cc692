#include "transport/ucx/ucx_control_call.h"

#include <utility>

namespace baleen {

UcxControlCall::UcxControlCall(UcxControlEvents events) : events_(std::move(events)) {}

void UcxControlCall::Start(const std::shared_ptr<grpc::Channel>& channel, v1::UcxOffer offer) {
  self_ = shared_from_this();
  offer_ = std::move(offer);
  stub_ = v1::UcxControl::NewStub(channel);
  stub_->async()->Open(context_.get(), this);
  StartWrite(&offer_);
  StartRead(&acceptance_);
  StartCall();
}

void UcxControlCall::Cancel() {
  std::lock_guard lock(mu_);
  if (context_ != nullptr) context_->TryCancel();
}

void UcxControlCall::OnReadDone(bool ok) {
  if (!ok) return;
  // The stream is accepted once; after that the read only tells when the peer leaves.
  if (std::exchange(accepted_, true)) return Cancel();
  if (events_.on_accepted) events_.on_accepted(acceptance_);
  StartRead(&acceptance_);
}

void UcxControlCall::OnDone(const grpc::Status& status) {
  {
    // Context and stub refer to the channel, and gRPC joins its own threads when the last channel goes: it must not go on one of them.
    std::lock_guard lock(mu_);
    context_.reset();
    stub_.reset();
  }
  const UcxControlEvents events = std::move(events_);
  events_ = {};
  if (events.on_done) events.on_done(status);
  const auto last = std::move(self_);
}

}  // namespace baleen
