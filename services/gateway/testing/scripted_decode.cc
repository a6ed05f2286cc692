#include "services/gateway/testing/scripted_decode.h"

#include <algorithm>
#include <utility>

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {
namespace {

void AddLogprobs(const v1::StartSequence& start, v1::TokenEvent* token) {
  if (start.sampling().logprobs() < 0) return;
  token->set_logprob(-0.5f);
  for (int i = 0; i < start.sampling().logprobs(); ++i) {
    v1::TokenLogprob* top = token->add_top_logprobs();
    top->set_token(token->token() + static_cast<uint32_t>(i));
    top->set_logprob(-0.5f - static_cast<float>(i));
  }
}

}  // namespace

class ScriptedDecode::Stream final : public DecodeStream {
 public:
  explicit Stream(std::shared_ptr<std::atomic<int>> cancelled) : cancelled_(std::move(cancelled)) {}
  void Cancel() override { ++*cancelled_; }

 private:
  const std::shared_ptr<std::atomic<int>> cancelled_;
};

std::shared_ptr<DecodeStream> ScriptedDecode::Open(const std::string&, v1::StartSequence start, DecodeCallbacks callbacks) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    starts_.push_back(start);
  }
  started_.notify_all();
  auto stream = std::make_shared<Stream>(cancelled_);
  if (script_.silent && script_.tokens.empty()) return stream;
  if (!script_.failure.ok() && script_.failure_after == 0) {
    callbacks.on_done(script_.failure);
    return stream;
  }
  v1::DecodeEvent event;
  event.mutable_prefilled()->set_prompt_cache_hit_tokens(script_.prompt_cache_hit_tokens);
  callbacks.on_event(event);
  const size_t end = script_.failure.ok() ? script_.tokens.size() : std::min(script_.failure_after, script_.tokens.size());
  for (size_t i = static_cast<size_t>(start.generated_size()); i < end; ++i) {
    v1::TokenEvent* token = event.mutable_token();
    token->Clear();
    token->set_index(static_cast<uint32_t>(i));
    token->set_token(static_cast<uint32_t>(script_.tokens[i]));
    AddLogprobs(start, token);
    callbacks.on_event(event);
  }
  if (script_.silent) return stream;
  if (script_.failure.ok()) {
    event.mutable_finish()->set_reason(script_.finish);
    callbacks.on_event(event);
  }
  callbacks.on_done(script_.failure);
  return stream;
}

std::vector<v1::StartSequence> ScriptedDecode::starts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return starts_;
}

int ScriptedDecode::cancelled() const { return *cancelled_; }

bool ScriptedDecode::WaitForStart() const {
  std::unique_lock<std::mutex> lock(mutex_);
  return started_.wait_for(lock, std::chrono::seconds(10), [this] { return !starts_.empty(); });
}

void AddReadyWorker(WorkerPicker* picker) {
  auto map = std::make_shared<v1::ClusterMap>();
  v1::Worker* worker = map->add_workers();
  worker->set_ready(true);
  worker->mutable_info()->set_worker_id("decode-a");
  worker->mutable_info()->set_address("decode-a:1");
  worker->mutable_info()->set_role(v1::ROLE_DECODE);
  worker->mutable_info()->set_numerics_id("n1");
  picker->UpdateMap(std::move(map));
}

}  // namespace baleen
