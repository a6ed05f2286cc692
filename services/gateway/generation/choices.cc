#include "services/gateway/generation/choices.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace baleen {
namespace {

class Choices final : public Generation, public std::enable_shared_from_this<Choices> {
 public:
  Choices(size_t count, std::string echo, GenerationSink sink)
      : echo_(std::move(echo)), sink_(std::move(sink)), generations_(count), begun_(count), running_(count) {}

  void Start(const GenerationContext& context, const GenerationInput& input, const std::function<GenerationSink(GenerationSink)>& wrap) {
    const size_t count = begun_.size();
    for (size_t i = 0; i < count; ++i) {
      GenerationInput choice = input;
      choice.choice = static_cast<uint32_t>(i);
      auto generation = StartGeneration(
          context, std::move(choice), wrap([self = shared_from_this(), i](GenerationEvent event) { self->OnEvent(i, std::move(event)); }));
      std::unique_lock<std::mutex> lock(mutex_);
      if (!ended_) {
        generations_[i] = std::move(generation);
        continue;
      }
      lock.unlock();
      return generation->Cancel();
    }
  }

  void Cancel() override { Leave(&Generation::Cancel); }
  void Detach() override { Leave(&Generation::Detach); }

  void Pause(bool paused) override {
    std::vector<std::shared_ptr<Generation>> generations;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      generations = generations_;
    }
    for (const std::shared_ptr<Generation>& generation : generations) {
      if (generation != nullptr) generation->Pause(paused);
    }
  }

 private:
  void Leave(void (Generation::*how)()) {
    std::vector<std::shared_ptr<Generation>> generations;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
      generations.swap(generations_);
    }
    for (const std::shared_ptr<Generation>& generation : generations) {
      if (generation != nullptr) (generation.get()->*how)();
    }
  }

  void OnEvent(size_t choice, GenerationEvent event) {
    const bool failed = !event.status.ok();
    std::vector<std::shared_ptr<Generation>> done;  // They own this through their sinks, so the last event lets them go.
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (ended_) return;
      event.choice = static_cast<uint32_t>(choice);
      if (!begun_[choice]) event.text.insert(0, echo_);
      begun_[choice] = true;
      if (event.last()) Account(failed, &event);
      ended_ = event.ends_request();
      if (ended_) done.swap(generations_);
      sink_(std::move(event));
    }
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

  const std::string echo_;
  const GenerationSink sink_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Generation>> generations_;  // Empty once the request has ended.
  std::vector<bool> begun_;
  size_t running_;
  GenerationUsage usage_;
  bool ended_ = false;
};

}  // namespace

std::shared_ptr<Generation> StartChoices(const GenerationContext& context, const GenerationInput& input,
                                         const std::function<GenerationSink(GenerationSink)>& wrap, GenerationSink sink) {
  auto choices = std::make_shared<Choices>(static_cast<size_t>(input.spec.choices), input.echo, std::move(sink));
  choices->Start(context, input, wrap);
  return choices;
}

}  // namespace baleen
