#include "tools/bench/streams/stub_decode.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <utility>

namespace baleen {
namespace {

constexpr auto kTick = std::chrono::milliseconds(2);

uint32_t RowOf(const std::string& request_id) {
  uint32_t row = 0;
  std::memcpy(&row, request_id.data(), std::min(sizeof row, request_id.size()));
  return row;
}

}  // namespace

// One sequence. Between gRPC's threads and the pacing one; lives until both have let it go.
class StubStream final : public grpc::ServerBidiReactor<v1::DecodeCommand, v1::DecodeEvent>,
                         public std::enable_shared_from_this<StubStream> {
 public:
  explicit StubStream(StubDecode* owner) : owner_(owner) {}

  void Begin() {
    self_ = shared_from_this();
    StartRead(&command_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (command_.has_cancel()) return End(grpc::Status::CANCELLED);
    Accept();
    StartRead(&command_);
  }

  void OnWriteDone(bool) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.pop_front();
    WriteNext();
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    const std::shared_ptr<StubStream> self = std::move(self_);
    const std::lock_guard<std::mutex> lock(owner_->mutex_);
    std::erase(owner_->streams_, self);
  }

  // False while the last one is under way, or when there is none to give.
  bool Give() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!events_.empty() || ended_ || given_ == max_tokens_) return false;
    v1::DecodeEvent event;
    event.mutable_token()->set_index(given_);
    event.mutable_token()->set_token(owner_->tokens_[given_ % owner_->tokens_.size()]);
    owner_->sent_->Note(row_, given_);
    ++given_;
    events_.push_back(std::move(event));
    if (given_ == max_tokens_) {
      v1::DecodeEvent last;
      last.mutable_finish()->set_reason(v1::FINISH_REASON_LENGTH);
      last.mutable_finish()->set_numerics_id("stub");
      events_.push_back(std::move(last));
    }
    StartWrite(&events_.front());
    return true;
  }

 private:
  void Accept() {
    const v1::StartSequence& start = command_.start();
    const std::lock_guard<std::mutex> lock(mutex_);
    row_ = RowOf(start.context().request_id());
    max_tokens_ = start.stop().max_tokens();
    v1::DecodeEvent accepted;
    accepted.mutable_accepted();
    v1::DecodeEvent prefilled;
    prefilled.mutable_prefilled()->set_prompt_cache_miss_tokens(static_cast<uint32_t>(start.prompt_size()));
    events_ = {accepted, prefilled};
    StartWrite(&events_.front());
  }

  void WriteNext() {
    if (ended_) return;
    if (!events_.empty()) return StartWrite(&events_.front());
    if (max_tokens_ > 0 && given_ == max_tokens_) Finish(grpc::Status::OK), ended_ = true;
  }

  void End(const grpc::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!std::exchange(ended_, true)) Finish(status);
  }

  StubDecode* const owner_;
  std::shared_ptr<StubStream> self_;
  v1::DecodeCommand command_;
  std::mutex mutex_;  // Guards what follows.
  uint32_t row_ = 0;
  uint32_t max_tokens_ = 0;  // Until it is accepted.
  uint32_t given_ = 0;
  std::deque<v1::DecodeEvent> events_;  // The front one is being written.
  bool ended_ = false;
};

StubDecode::~StubDecode() {
  stopping_ = true;
  thread_.join();
}

grpc::ServerBidiReactor<v1::DecodeCommand, v1::DecodeEvent>* StubDecode::Run(grpc::CallbackServerContext*) {
  const auto stream = std::make_shared<StubStream>(this);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    streams_.push_back(stream);
  }
  stream->Begin();
  return stream.get();
}

int64_t StubDecode::running() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int64_t>(streams_.size());
}

std::shared_ptr<StubStream> StubDecode::Next() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (streams_.empty()) return nullptr;
  return streams_[turn_++ % streams_.size()];
}

void StubDecode::Pace() {
  auto next_tick = std::chrono::steady_clock::now();
  double due = 0;
  while (!stopping_) {
    next_tick += kTick;
    std::this_thread::sleep_until(next_tick);
    due += rate_ * std::chrono::duration<double>(kTick).count();
    for (; due >= 1; due -= 1) {
      const std::shared_ptr<StubStream> stream = Next();
      if (stream != nullptr) stream->Give();
    }
  }
}

}  // namespace baleen
