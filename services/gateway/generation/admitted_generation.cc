#include "services/gateway/generation/admitted_generation.h"

#include <mutex>
#include <utility>

#include "services/gateway/admission/admission.h"
#include "services/gateway/admission/cluster_capacity.h"
#include "services/gateway/generation/generation_trace.h"

namespace baleen {
namespace {

// Waits, then runs; holds its place until the last event or until the client leaves.
class AdmittedGeneration final : public Generation, public std::enable_shared_from_this<AdmittedGeneration> {
 public:
  AdmittedGeneration(const GenerationContext& context, GenerationInput input, GenerationSink sink)
      : context_(context), input_(std::move(input)), sink_(std::move(sink)), ticket_(context.admission->NewTicket()) {}

  void Start() {
    AdmissionRequest request;
    request.tenant = input_.tenant;
    request.tokens = PriceOf(static_cast<int64_t>(input_.prompt.size()), *input_.spec.max_tokens);
    request.deadline = input_.deadline;
    request.resumes = !input_.resume.empty();
    entered_ = context_.clock->Now();
    context_.admission->Enter(ticket_, request, [self = shared_from_this()](absl::Status status) { self->OnTurn(std::move(status)); });
  }

  void Cancel() override { Leave(&Generation::Cancel); }
  void Detach() override { Leave(&Generation::Detach); }

  void Pause(bool paused) override {
    std::shared_ptr<Generation> inner;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      paused_ = paused;
      inner = inner_;
    }
    if (inner != nullptr) inner->Pause(paused);
  }

 private:
  void OnTurn(absl::Status status) {
    if (input_.trace != nullptr) input_.trace->Waited(input_.choice, entered_, context_.clock->Now());
    if (!status.ok()) {
      GenerationEvent event;
      event.status = std::move(status);
      event.usage.prompt_tokens = static_cast<int64_t>(input_.prompt.size());
      return OnEvent(std::move(event));
    }
    std::shared_ptr<Generation> inner = StartAttempts(
        context_, std::move(input_), entered_, [self = shared_from_this()](GenerationEvent event) { self->OnEvent(std::move(event)); });
    void (Generation::*left)() = nullptr;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!over_) inner_ = inner;
      left = left_;
    }
    // It may have ended, or the client may have left, while it was started.
    if (left != nullptr) (inner.get()->*left)();
    // What the client says meanwhile must not be undone.
    for (bool paused = false; paused != WantsPause();) inner->Pause(paused = !paused);
  }

  bool WantsPause() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return paused_ && !over_;
  }

  void OnEvent(GenerationEvent event) {
    const bool last = event.last();
    std::shared_ptr<Generation> inner;  // It owns who owns this.
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (over_) return;
      over_ = last;
      if (last) inner = std::move(inner_);
    }
    if (last) context_.admission->Leave(ticket_);
    sink_(std::move(event));
  }

  void Leave(void (Generation::*how)()) {
    std::shared_ptr<Generation> inner;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (std::exchange(over_, true)) return;
      left_ = how;
      inner = std::move(inner_);
    }
    if (inner != nullptr) (inner.get()->*how)();
    context_.admission->Leave(ticket_);
  }

  const GenerationContext context_;
  GenerationInput input_;  // Until its turn.
  const GenerationSink sink_;
  const uint64_t ticket_;
  absl::Time entered_;

  std::mutex mutex_;
  bool over_ = false;
  bool paused_ = false;
  void (Generation::*left_)() = nullptr;  // How the client left; set once, with over_.
  std::shared_ptr<Generation> inner_;
};

}  // namespace

absl::Status ForeseeTurn(const GenerationContext& context, const std::string& tenant, int64_t least_prompt_tokens,
                         const GenerationSpec& spec) {
  if (context.admission == nullptr) return absl::OkStatus();
  AdmissionRequest least;
  least.tenant = tenant;
  least.tokens = PriceOf(least_prompt_tokens, spec.max_tokens.value_or(1));
  return context.admission->Foresee(least);
}

std::shared_ptr<Generation> StartGeneration(const GenerationContext& context, GenerationInput input, GenerationSink sink) {
  if (context.admission == nullptr) return StartAttempts(context, std::move(input), context.clock->Now(), std::move(sink));
  auto generation = std::make_shared<AdmittedGeneration>(context, std::move(input), std::move(sink));
  generation->Start();
  return generation;
}

}  // namespace baleen
