// Generations over decode workers that play a script, in time that passes when the test says so.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_FIXTURE_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "services/gateway/generation/decode_stream.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/generation/quarantine.h"
#include "services/gateway/generation/worker_picker.h"

namespace baleen {

inline constexpr char kGenerationModel[] = "checkpoints/abacus";

// Plays a script: the tokens of one fixed answer; each attempt may fail after some tokens.
class ScriptedDialer final : public DecodeDialer {
 public:
  struct Attempt {
    size_t tokens_before_failure = SIZE_MAX;
    absl::Status failure;
    bool accepted = true;
    bool admitted = true;
  };

  explicit ScriptedDialer(std::vector<int32_t> answer, std::vector<Attempt> attempts = {})
      : answer_(std::move(answer)), attempts_(std::move(attempts)) {}

  std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence start, DecodeCallbacks callbacks) override {
    starts.push_back(start);
    addresses.push_back(address);
    const Attempt attempt = starts.size() <= attempts_.size() ? attempts_[starts.size() - 1] : Attempt();
    auto stream = std::make_shared<Stream>(counts_);
    Play(answer_, attempt, static_cast<size_t>(start.generated_size()), callbacks);
    return stream;
  }

  std::vector<v1::StartSequence> starts;
  std::vector<std::string> addresses;
  int cancelled() const { return counts_->cancelled; }
  int detached() const { return counts_->detached; }

 private:
  // A stream's own, as all that is touched once the client has the last event: a test may be over then while a timer's thread goes on here.
  struct Counts {
    std::atomic<int> cancelled = 0;
    std::atomic<int> detached = 0;
  };
  struct Stream final : DecodeStream {
    explicit Stream(std::shared_ptr<Counts> counts_in) : counts(std::move(counts_in)) {}
    void Cancel() override { ++counts->cancelled; }
    void Detach() override { ++counts->detached; }
    const std::shared_ptr<Counts> counts;
  };

  static void Play(std::vector<int32_t> answer, const Attempt& attempt, size_t begin, const DecodeCallbacks& callbacks) {
    v1::DecodeEvent accepted;
    accepted.mutable_accepted();
    v1::DecodeEvent admitted;
    admitted.mutable_admitted();
    if (attempt.accepted) callbacks.on_event(accepted);
    if (attempt.accepted && attempt.admitted) callbacks.on_event(admitted);
    for (size_t i = begin; i < answer.size(); ++i) {
      if (i - begin == attempt.tokens_before_failure) return callbacks.on_done(attempt.failure);
      v1::DecodeEvent event;
      event.mutable_token()->set_index(static_cast<uint32_t>(i));
      event.mutable_token()->set_token(static_cast<uint32_t>(answer[i]));
      callbacks.on_event(event);
    }
    v1::DecodeEvent event;
    event.mutable_finish()->set_reason(v1::FINISH_REASON_STOP);
    callbacks.on_event(event);
    callbacks.on_done(absl::OkStatus());
  }

  const std::vector<int32_t> answer_;
  const std::vector<Attempt> attempts_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

// Time that passes when the test says so.
class ManualTime final : public Clock, public Timers {
 public:
  absl::Time Now() override { return now_; }
  void Sleep(absl::Duration duration) override { now_ += duration; }
  void After(absl::Duration delay, std::function<void()> work) override { due_.emplace(now_ + delay, std::move(work)); }
  // Goes on to the next timer; false when there is none.
  bool RunNext() {
    if (due_.empty()) return false;
    const std::function<void()> work = std::move(due_.begin()->second);
    now_ = due_.begin()->first;
    due_.erase(due_.begin());
    work();
    return true;
  }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::multimap<absl::Time, std::function<void()>> due_;
};

// What a client got.
class Collector {
 public:
  GenerationSink Sink() {
    return [this](GenerationEvent event) {
      const std::lock_guard<std::mutex> lock(mutex_);
      reasoning += event.reasoning.reveal();
      text += event.text.reveal();
      for (const TokenChoice& choice : event.tokens) tokens.push_back(choice.token);
      if (!event.last()) return;
      last = std::move(event);
      done_ = true;
      changed_.notify_all();
    };
  }
  bool Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return done_; });
  }

  std::string reasoning;
  std::string text;
  std::vector<int32_t> tokens;
  GenerationEvent last;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

inline void RunUntilLast(ManualTime& time, const Collector& collector) {
  while (!collector.last.last() && time.RunNext()) {
  }
}

// A tokenizer, and decode workers by name.
class GenerationTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tokenizer = Tokenizer::Load(kGenerationModel);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
    SetWorkers({"decode-a", "decode-b"});
  }

  void SetWorkers(const std::vector<std::string>& ids, const std::map<std::string, uint32_t>& running = {}) {
    picker_.UpdateMap(MapOf(ids, running));
  }

  static std::shared_ptr<const v1::ClusterMap> MapOf(const std::vector<std::string>& ids,
                                                     const std::map<std::string, uint32_t>& running = {}) {
    auto map = std::make_shared<v1::ClusterMap>();
    for (const std::string& id : ids) {
      v1::Worker* worker = map->add_workers();
      worker->set_ready(true);
      if (const auto load = running.find(id); load != running.end()) worker->set_running(load->second);
      worker->mutable_info()->set_worker_id(id);
      worker->mutable_info()->set_address(id + ":1");
      worker->mutable_info()->set_role(v1::ROLE_DECODE);
      worker->mutable_info()->set_numerics_id("n1");
    }
    return map;
  }

  std::vector<int32_t> Answer(const std::string& text) { return tokenizer_->Encode(text, AddedTokens::kMatch); }

  GenerationInput Input() {
    GenerationInput input;
    input.request_id = std::string(16, 'r');
    input.prompt = {0, 7, 8};
    input.split_reasoning = true;
    input.opens_thinking = true;
    input.spec.seed = 5;
    input.spec.max_tokens = 100;
    return input;
  }

  GenerationContext Context(DecodeDialer& dialer, ManualTime* time = nullptr, WorkerPicker* picker = nullptr) {
    GenerationContext context{tokenizer_.get(), &dialer, picker != nullptr ? picker : &picker_, &quarantine_};
    if (time != nullptr) {
      context.clock = time;
      context.timers = time;
    }
    return context;
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  WorkerPicker picker_;
  Quarantine quarantine_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_GENERATION_FIXTURE_H_
