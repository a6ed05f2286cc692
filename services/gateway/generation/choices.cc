#include "services/gateway/generation/choices.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "model/tokenizer/detokenizer.h"
#include "services/gateway/generation/guarded_output.h"
#include "services/gateway/guardrail/guard.h"

namespace baleen {
namespace {

class Choices final : public Generation, public std::enable_shared_from_this<Choices> {
 public:
  Choices(const GenerationInput& input, size_t count, GenerationSink sink)
      : echo_(input.echo),
        resumable_(!input.edge.empty()),
        sink_(std::move(sink)),
        generations_(count),
        begun_(count),
        stopped_(count),
        running_(count) {}

  void Start(const GenerationContext& context, const GenerationInput& input, const std::function<GenerationSink(GenerationSink)>& wrap) {
    std::vector<GenerationSink> sinks;
    for (size_t i = 0; i < begun_.size(); ++i) {
      sinks.push_back(wrap([self = shared_from_this(), i](GenerationEvent event) { self->OnEvent(i, std::move(event)); }));
    }
    if (context.guard == nullptr) return Run(context, input, std::move(sinks));
    const std::shared_ptr<GuardSession> guard = context.guard->Open(input.request_id);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      guard_ = guard;
    }
    guard->CheckPrompt(PrivateText(Detokenize(*context.tokenizer, input.prompt, /*skip_special=*/false)),
                       [self = shared_from_this(), context, input, sinks = std::move(sinks)](const GuardVerdict& verdict) mutable {
                         self->OnPrompt(context, input, std::move(sinks), verdict);
                       });
  }

  void Cancel() override { Leave(&Generation::Cancel); }
  void Detach() override { Leave(&Generation::Detach); }

  void Pause(bool paused) override {
    std::vector<std::shared_ptr<Generation>> generations;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      generations = generations_;
      paused_ = paused;
    }
    for (const std::shared_ptr<Generation>& generation : generations) {
      if (generation != nullptr) generation->Pause(paused);
    }
  }

 private:
  void OnPrompt(const GenerationContext& context, const GenerationInput& input, std::vector<GenerationSink> sinks,
                const GuardVerdict& verdict) {
    const bool failed = !verdict.status.ok();
    if (!verdict.block && (!failed || context.guard_fails_open)) {
      return Run(context, input, failed ? std::move(sinks) : Guarded(context, std::move(sinks)));
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      begun_.assign(begun_.size(), true);  // Without the echo.
    }
    for (GenerationSink& sink : sinks) {
      GenerationEvent event;  // Its usage is none: nothing ran.
      if (failed) event.status = GuardFailed();
      if (!failed) event.finish = Finish::kContentFilter;
      sink(std::move(event));
    }
  }

  std::vector<GenerationSink> Guarded(const GenerationContext& context, std::vector<GenerationSink> sinks) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (guard_ == nullptr) return sinks;  // The client has gone.
    for (size_t i = 0; i < sinks.size(); ++i) {
      GuardedOutputOptions options;
      options.session = guard_;
      options.choice = static_cast<uint32_t>(i);
      options.fails_open = context.guard_fails_open;
      options.sink = std::move(sinks[i]);
      options.stop = [self = shared_from_this(), i] { self->Stop(i); };
      sinks[i] = GuardOutput(std::move(options));
    }
    return sinks;
  }

  void Run(const GenerationContext& context, const GenerationInput& input, std::vector<GenerationSink> sinks) {
    for (size_t i = 0; i < sinks.size(); ++i) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (ended_) return;
      }
      GenerationInput choice = input;
      choice.choice = static_cast<uint32_t>(i);
      auto generation = StartGeneration(context, std::move(choice), std::move(sinks[i]));
      std::unique_lock<std::mutex> lock(mutex_);
      const bool stopped = stopped_[i];
      const bool gone = ended_ || stopped;
      if (!gone) generations_[i] = generation;
      lock.unlock();
      if (gone) LetGo(*generation, stopped);
      // What the client says meanwhile must not be undone.
      for (bool paused = false; paused != WantsPause(i);) generation->Pause(paused = !paused);
    }
  }

  bool WantsPause(size_t choice) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return paused_ && !ended_ && !stopped_[choice];
  }

  // The guard ended the choice: its sequence is wanted no more.
  void Stop(size_t choice) {
    std::shared_ptr<Generation> generation;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_[choice] = true;
      if (choice < generations_.size()) generation = std::move(generations_[choice]);
    }
    if (generation != nullptr) LetGo(*generation, /*stopped=*/true);
  }

  // The client of a choice that the guard stopped may lose its connection now, and come back for the end.
  void LetGo(Generation& generation, bool stopped) const {
    if (stopped && resumable_) return generation.Detach();
    generation.Cancel();
  }

  void Leave(void (Generation::*how)()) {
    std::vector<std::shared_ptr<Generation>> generations;
    std::shared_ptr<GuardSession> guard;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
      generations.swap(generations_);
      guard.swap(guard_);
    }
    if (guard != nullptr) guard->Cancel();
    for (const std::shared_ptr<Generation>& generation : generations) {
      if (generation != nullptr) (generation.get()->*how)();
    }
  }

  void OnEvent(size_t choice, GenerationEvent event) {
    const bool failed = !event.status.ok();
    std::vector<std::shared_ptr<Generation>> done;  // They own this through their sinks, so the last event lets them go.
    std::shared_ptr<GuardSession> guard;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (ended_) return;
      event.choice = static_cast<uint32_t>(choice);
      if (!begun_[choice]) event.text.Prepend(echo_);
      begun_[choice] = true;
      if (event.last()) Account(failed, &event);
      ended_ = event.ends_request();
      if (ended_) done.swap(generations_);
      if (ended_) guard.swap(guard_);
      sink_(std::move(event));
    }
    if (guard != nullptr) guard->Cancel();
    if (!failed) return;
    for (const std::shared_ptr<Generation>& generation : done) {
      if (generation != nullptr) generation->Cancel();
    }
  }

  void Account(bool failed, GenerationEvent* event) {
    --running_;
    usage_.prompt_tokens = event->usage.prompt_tokens;
    usage_.prompt_cache_hit_tokens = std::max(usage_.prompt_cache_hit_tokens, event->usage.prompt_cache_hit_tokens);
    usage_.completion_tokens += event->usage.completion_tokens;
    usage_.reasoning_tokens += event->usage.reasoning_tokens;
    event->more_choices = running_ > 0 && !failed;
    if (!event->more_choices) event->usage = usage_;
  }

  const PrivateText echo_;
  const bool resumable_;
  const GenerationSink sink_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Generation>> generations_;  // Empty once the request has ended.
  std::shared_ptr<GuardSession> guard_;                   // Until then, where there is one.
  std::vector<bool> begun_;
  std::vector<bool> stopped_;  // By the guard.
  size_t running_;
  bool paused_ = false;
  GenerationUsage usage_;
  bool ended_ = false;
};

}  // namespace

std::shared_ptr<Generation> StartChoices(const GenerationContext& context, const GenerationInput& input,
                                         const std::function<GenerationSink(GenerationSink)>& wrap, GenerationSink sink) {
  auto choices = std::make_shared<Choices>(input, static_cast<size_t>(input.spec.choices), std::move(sink));
  choices->Start(context, input, wrap);
  return choices;
}

}  // namespace baleen
