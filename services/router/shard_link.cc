#include "services/router/shard_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "services/router/call_codec.h"

namespace baleen {

namespace {

constexpr char kMethod[] = "/baleen.v1.Expert/Exchange";
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(50);
constexpr absl::Duration kMaxBackoff = absl::Seconds(1);

}  // namespace

ShardLink::ShardLink(Connector* connector, std::string address, std::string numerics_id, absl::Duration hello_timeout, ShardEvents events)
    : connector_(connector),
      address_(std::move(address)),
      numerics_id_(std::move(numerics_id)),
      hello_timeout_(hello_timeout),
      events_(std::move(events)),
      backoff_(kFirstBackoff),
      last_error_(absl::UnavailableError("not connected yet")) {}

absl::Time ShardLink::Tick(absl::Time now) {
  std::shared_ptr<Connection> silent;
  {
    std::lock_guard lock(mu_);
    if (state_ == State::kUp || state_ == State::kClosed) return absl::InfiniteFuture();
    if (state_ == State::kIdle && now < next_connect_) return next_connect_;
    if (state_ == State::kBroken) return std::max(next_connect_, now + kFirstBackoff);
    if (state_ == State::kConnecting) {
      if (now < hello_due_) return hello_due_;
      last_error_ = absl::UnavailableError(absl::StrCat(address_, " does not answer"));
      hello_due_ = absl::InfiniteFuture();
      silent = connection_;
    }
  }
  if (silent != nullptr) {
    silent->Close();
    return now + hello_timeout_;
  }
  Connect(now);
  return now + hello_timeout_;
}

void ShardLink::Connect(absl::Time now) {
  {
    std::lock_guard lock(mu_);
    state_ = State::kConnecting;
    hello_due_ = now + hello_timeout_;
  }
  const std::weak_ptr<ShardLink> weak = weak_from_this();
  auto connection = connector_->Connect(address_, kMethod,
                                        {[weak](Message message) {
                                           if (const auto link = weak.lock()) link->OnMessage(message);
                                         },
                                         [weak](absl::Status status) {
                                           if (const auto link = weak.lock()) link->OnClosed(status);
                                         }});
  bool closed = false;
  {
    std::lock_guard lock(mu_);
    // It may have broken, or the link may have been closed, while it was being opened.
    if (state_ == State::kConnecting) connection_ = connection;
    closed = state_ == State::kClosed;
  }
  if (closed) return connection->Close();
  (void)connection->Send(EncodeHello(numerics_id_));
}

void ShardLink::OnMessage(const Message& message) {
  v1::ExpertReplyHeader reply;
  if (!reply.ParseFromString(message.header)) {
    std::shared_ptr<Connection> broken;
    {
      std::lock_guard lock(mu_);
      last_error_ = absl::InternalError(absl::StrCat(address_, ": malformed reply header"));
      broken = connection_;
    }
    if (broken != nullptr) broken->Close();
    return;
  }
  if (reply.call_id() == 0) return OnHello(reply);
  events_.on_reply(*this, reply, message.payload);
}

void ShardLink::OnHello(const v1::ExpertReplyHeader& reply) {
  std::shared_ptr<Connection> refused;
  bool probed = false;
  {
    std::lock_guard lock(mu_);
    probed = state_ == State::kUp && reply.code() == 0;
    if (state_ != State::kConnecting && !probed) return;
    if (reply.code() == 0) {
      state_ = State::kUp;
      backoff_ = kFirstBackoff;
      last_error_ = absl::OkStatus();
    } else {
      last_error_ = absl::Status(static_cast<absl::StatusCode>(reply.code()), absl::StrCat(address_, ": ", reply.error()));
      refused = connection_;
    }
  }
  if (probed) return events_.on_alive(*this);
  if (reply.code() == 0) return events_.on_up(*this);
  if (refused != nullptr) refused->Close();
}

void ShardLink::OnClosed(const absl::Status& status) {
  {
    std::lock_guard lock(mu_);
    connection_.reset();
    if (state_ != State::kClosed) {
      if (status.code() != absl::StatusCode::kCancelled) last_error_ = status;
      state_ = State::kBroken;
      next_connect_ = Clock::Real()->Now() + backoff_;
      backoff_ = std::min(backoff_ * 2, kMaxBackoff);
    }
  }
  events_.on_down(*this, status);
  std::lock_guard lock(mu_);
  if (state_ == State::kBroken) state_ = State::kIdle;
}

bool ShardLink::up() const {
  std::lock_guard lock(mu_);
  return state_ == State::kUp;
}

absl::Status ShardLink::last_error() const {
  std::lock_guard lock(mu_);
  return last_error_;
}

absl::Status ShardLink::Send(Message message) {
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mu_);
    if (state_ == State::kUp) connection = connection_;
    if (connection == nullptr) return absl::UnavailableError(absl::StrCat(address_, " is not connected"));
  }
  return connection->Send(std::move(message));
}

void ShardLink::Probe() {
  // A broken stream says so itself.
  (void)Send(EncodeHello(numerics_id_));
}

void ShardLink::Close() {
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mu_);
    state_ = State::kClosed;
    connection = connection_;
  }
  if (connection != nullptr) connection->Close();
}

}  // namespace baleen
