#include "transport/ucx/ucx_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "transport/message_size.h"

namespace baleen {

namespace {

// 128 KiB are copied in some 20 µs, for which all other streams wait: the lock is theirs too.
constexpr int kMostPostsAtOnce = 4;

absl::Status Broken() { return absl::UnavailableError("the stream is broken"); }

}  // namespace

// Keeps its session, and through it the bytes that it refers to.
struct UcxSession::FragmentPost : UcxPost {
  std::shared_ptr<UcxSession> session;
  Outgoing* out = nullptr;  // Null for control messages.
};

UcxSession::UcxSession(UcxWorker* worker, Side side, StreamBounds bounds) : worker_(worker), side_(side), bounds_(bounds) {}

UcxSession::~UcxSession() = default;

UcxCoordinates UcxSession::Start(UcxSessionEvents events) {
  events_ = std::move(events);
  const absl::StatusOr<std::shared_ptr<UcxPort>> port = worker_->OpenPort();
  UcxWorker::Lock lock(*worker_);
  number_ = worker_->Register(shared_from_this(), token_, port.ok() ? *port : nullptr);
  if (!port.ok()) EndLocked(absl::FailedPreconditionError(port.status().message()));
  if (ended_.has_value()) worker_->Schedule(number_);
  return {.worker_address = port.ok() ? UcxWorker::AddressOf(**port) : "", .session = number_, .token = token_};
}

void UcxSession::Attach(const UcxCoordinates& peer, absl::Time deadline) {
  UcxWorker::Lock lock(*worker_);
  if (ended_.has_value()) return;
  peer_ = peer;
  deadline_ = deadline;
  const absl::StatusOr<UcxEndpoint*> endpoint = worker_->Connect(peer.worker_address, number_);
  if (!endpoint.ok()) return EndLocked(absl::FailedPreconditionError(endpoint.status().message()));
  endpoint_ = *endpoint;
  worker_->SetTicking(number_, true);
  if (side_ == Side::kConnects) PostControl(FragmentKind::kHello, 0);
}

absl::Status UcxSession::Send(Message message) {
  RETURN_IF_ERROR(CheckSize(message));
  const size_t size = SizeOf(message);
  UcxWorker::Lock lock(*worker_);
  const bool may_go_elsewhere = !open_ && !unsent_taken_ && ended_.has_value() && ended_->code() != absl::StatusCode::kCancelled;
  if (ends_when_sent_.has_value() || (ended_.has_value() && !may_go_elsewhere)) return Broken();
  if (queue_.size() >= bounds_.messages || queued_bytes_ + size > bounds_.bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("stream: ", queue_.size(), " messages of ", queued_bytes_, " bytes are queued"));
  }
  queued_bytes_ += size;
  queue_.push_back({.message = std::move(message)});
  Pump();
  return absl::OkStatus();
}

void UcxSession::End(absl::Status reason) {
  UcxWorker::Lock lock(*worker_);
  EndLocked(std::move(reason));
}

void UcxSession::EndWhenSent(absl::Status reason) {
  UcxWorker::Lock lock(*worker_);
  if (!open_) return EndLocked(std::move(reason));
  ends_when_sent_ = std::move(reason);
  EndIfSent();
}

void UcxSession::EndWithPeer(absl::Status reason) {
  UcxWorker::Lock lock(*worker_);
  if (open_ && !ended_.has_value()) worker_->TakeArrived(number_);
  EndLocked(std::move(reason));
}

std::deque<Message> UcxSession::TakeUnsent() {
  UcxWorker::Lock lock(*worker_);
  std::deque<Message> unsent;
  for (Outgoing& out : queue_) unsent.push_back(std::move(out.message));
  queue_.clear();
  unsent_taken_ = true;
  return unsent;
}

void UcxSession::EndLocked(absl::Status reason) {
  if (ended_.has_value()) return;
  if (reason.code() == absl::StatusCode::kCancelled) inbox_.clear();
  ended_ = std::move(reason);
  // What is under way stays until UCX is done with it. A session that never opened keeps all, for another transport.
  while (open_ && queue_.size() > begun_) queue_.pop_back();
  worker_->SetTicking(number_, false);
  worker_->Schedule(number_);
}

void UcxSession::OnFragment(const FragmentHeader& header, absl::Span<const std::byte> run) {
  // Before Attach nothing is expected: the peer has not been told where this session is.
  if (ended_.has_value() || endpoint_ == nullptr) return;
  switch (header.kind) {
    case FragmentKind::kHello:
      return OnHello();
    case FragmentKind::kData:
      return OnData(header, run);
    case FragmentKind::kAck:
      if (!send_window_.Acked(header.sequence)) return EndLocked(absl::InvalidArgumentError("fragment: acknowledges what was not sent"));
      return Pump();
    case FragmentKind::kAsk:
      return Acknowledge(receive_window_.Asked());
  }
}

void UcxSession::OnHello() {
  if (open_) return;
  open_ = true;
  worker_->SetTicking(number_, false);
  if (side_ == Side::kAccepts) PostControl(FragmentKind::kHello, 0);
  worker_->Schedule(number_);
  Pump();
}

void UcxSession::OnData(const FragmentHeader& header, absl::Span<const std::byte> run) {
  absl::StatusOr<std::optional<Message>> message =
      open_ ? assembler_.Add(header, run) : absl::InvalidArgumentError("fragment: data before hello");
  if (!message.ok()) return EndLocked(message.status());
  if (!message->has_value()) return;
  if (!receive_window_.Received(WindowCost(SizeOf(**message)))) {
    return EndLocked(absl::InvalidArgumentError("fragment: more than the window allows"));
  }
  inbox_.push_back(**std::move(message));
  worker_->Schedule(number_);
}

void UcxSession::OnEndpointError(absl::Status status) {
  EndLocked(open_ ? std::move(status) : absl::FailedPreconditionError(status.message()));
}

void UcxSession::OnTick(absl::Time now) {
  if (now >= deadline_) EndLocked(absl::DeadlineExceededError("UCX: no answer over the path to the peer"));
}

void UcxSession::PostControl(FragmentKind kind, uint64_t sequence) {
  auto post = std::make_unique<FragmentPost>();
  post->header = EncodeFragmentHeader({.session = peer_.session, .token = peer_.token, .kind = kind, .sequence = sequence});
  Submit(std::move(post));
}

// The next run of `out`, straight from the message's own memory.
void UcxSession::PostNext(Outgoing* out) {
  const Message& message = out->message;
  auto post = std::make_unique<FragmentPost>();
  post->header = EncodeFragmentHeader({.session = peer_.session,
                                       .token = peer_.token,
                                       .kind = FragmentKind::kData,
                                       .offset = static_cast<uint32_t>(out->posted),
                                       .sequence = next_sequence_,
                                       .header_bytes = static_cast<uint32_t>(message.header.size()),
                                       .payload_bytes = static_cast<uint32_t>(message.payload.size)});
  const size_t end = std::min(out->size(), out->posted + kMaxFragmentBytes);
  const size_t header_end = std::min(end, message.header.size());
  if (out->posted < header_end) {
    post->slices[post->slice_count++] = {message.header.data() + out->posted, header_end - out->posted};
  }
  const size_t payload_begin = std::max(out->posted, message.header.size());
  if (payload_begin < end) {
    post->slices[post->slice_count++] = {message.payload.data + (payload_begin - message.header.size()), end - payload_begin};
  }
  post->out = out;
  out->posted = end;
  Submit(std::move(post));
}

void UcxSession::Submit(std::unique_ptr<FragmentPost> post) {
  post->done = [](UcxPost* base, absl::Status status) {
    const std::unique_ptr<FragmentPost> done(static_cast<FragmentPost*>(base));
    UcxSession& session = *done->session;
    --session.posts_;
    if (done->out != nullptr) {
      done->out->held = false;
      session.holds_data_ = false;
    }
    session.PopDone();
    if (!status.ok()) session.OnEndpointError(std::move(status));
    session.Pump();
    if (session.ended_.has_value()) session.worker_->Schedule(session.number_);
  };
  post->session = shared_from_this();
  if (worker_->Post(endpoint_, post.get())) return;
  ++posts_;
  if (post->out != nullptr) post->out->held = holds_data_ = true;
  (void)post.release();
}

void UcxSession::Pump() {
  if (!open_) return;
  // While UCX holds a fragment back, for want of a connection or of room, a later one may overtake it; so there is one at a time.
  for (int posted = 0; !ended_.has_value() && !holds_data_; ++posted) {
    if (posted == kMostPostsAtOnce) return worker_->Schedule(number_);
    // The last one begun may have more runs to go.
    Outgoing* out = begun_ > 0 ? &queue_[begun_ - 1] : nullptr;
    if (out == nullptr || (out->posted == out->size())) {
      if (begun_ == queue_.size() || !send_window_.open()) break;
      out = &queue_[begun_++];
      send_window_.Sent(WindowCost(out->size()));
    }
    PostNext(out);
    if (out->posted == out->size()) ++next_sequence_;
    PopDone();
  }
  EndIfSent();
}

// What is with UCX may still be on its way over a network, and closing the path drops it: so the peer is asked.
void UcxSession::EndIfSent() {
  if (!ends_when_sent_.has_value() || ended_.has_value() || !queue_.empty()) return;
  if (send_window_.all_acked()) return EndLocked(*ends_when_sent_);
  if (!std::exchange(asked_, true)) PostControl(FragmentKind::kAsk, 0);
}

void UcxSession::Acknowledge(std::optional<uint64_t> consumed) {
  if (consumed.has_value() && !ended_.has_value()) PostControl(FragmentKind::kAck, *consumed);
}

void UcxSession::PopDone() {
  while (begun_ > 0 && queue_.front().posted == queue_.front().size() && !queue_.front().held) {
    queued_bytes_ -= queue_.front().size();
    queue_.pop_front();
    --begun_;
  }
}

void UcxSession::Run() {
  UcxWorker::Lock lock(*worker_);
  if (finished_) return;
  if (open_ && !std::exchange(open_said_, true)) {
    lock.Release();
    if (events_.on_open) events_.on_open();
    lock.Take();
  }
  Pump();
  if (DeliverOne(&lock) || !ended_.has_value()) return;
  // Not in EndLocked, which UCX's own callbacks call too.
  if (UcxEndpoint* const endpoint = std::exchange(endpoint_, nullptr)) worker_->Disconnect(endpoint);
  if (posts_ == 0) Finish(&lock);
}

// One message a turn, so that streams take turns.
bool UcxSession::DeliverOne(UcxWorker::Lock* lock) {
  if (inbox_.empty()) return false;
  Message message = std::move(inbox_.front());
  inbox_.pop_front();
  const uint64_t cost = WindowCost(SizeOf(message));
  lock->Release();
  if (events_.on_message) events_.on_message(std::move(message));
  lock->Take();
  Acknowledge(receive_window_.Consumed(cost));
  if (!inbox_.empty() || ended_.has_value()) worker_->Schedule(number_);
  return true;
}

void UcxSession::Finish(UcxWorker::Lock* lock) {
  finished_ = true;
  const absl::Status reason = *ended_;
  const bool opened = open_said_;
  worker_->Unregister(number_);
  lock->Release();
  const UcxSessionEvents events = std::move(events_);
  events_ = {};
  if (events.on_ended) events.on_ended(reason, opened);
  lock->Take();
}

}  // namespace baleen
