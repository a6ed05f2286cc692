#include "services/gateway/tenants/charge.h"

#include <algorithm>
#include <utility>

namespace baleen {
namespace {

// Shorter ones cost little to tokenise, and their exact price makes the better sentence.
constexpr int64_t kLongPrompt = 256;

int64_t PriceOf(const GenerationInput& input) {
  return static_cast<int64_t>(input.prompt.size()) + *input.spec.max_tokens * input.spec.choices;
}

}  // namespace

Charge::Charge(std::shared_ptr<TenantAccount> account, const GenerationInput& input, const BilledBefore& before)
    : account_(std::move(account)),
      price_(PriceOf(input)),
      before_(before),
      choices_(static_cast<size_t>(input.spec.choices)),
      open_choices_(input.spec.choices) {
  for (size_t i = 0; i < std::min(choices_.size(), before.events.size()); ++i) choices_[i].had = before.events[i];
}

absl::Status Charge::Check(TenantAccount* account, int64_t least_prompt_tokens, const GenerationSpec& spec) {
  if (account == nullptr || least_prompt_tokens < kLongPrompt) return absl::OkStatus();
  return account->CheckStream(least_prompt_tokens + spec.max_tokens.value_or(1) * spec.choices);
}

absl::StatusOr<std::shared_ptr<Charge>> Charge::Begin(std::shared_ptr<TenantAccount> account, const GenerationInput& input,
                                                      const BilledBefore& before) {
  if (account != nullptr) {
    if (absl::Status status = account->BeginStream(PriceOf(input), !input.resume.empty()); !status.ok()) return status;
  }
  return std::shared_ptr<Charge>(new Charge(std::move(account), input, before));
}

Charge::~Charge() { End(); }

GenerationSink Charge::Meter(GenerationSink sink) {
  return [self = shared_from_this(), sink = std::move(sink), choice = metered_++](GenerationEvent event) {
    self->Count(event, choice);
    sink(std::move(event));
  };
}

void Charge::Had(const GenerationEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Choice& choice = choices_[event.choice];
  --choice.had;
  choice.counted = std::max(choice.counted, event.usage.completion_tokens);
}

void Charge::Count(const GenerationEvent& event, size_t choice) {
  if (account_ == nullptr) return;
  BilledTokens bill;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const GenerationUsage& usage = event.usage;
    const bool first = usage.completion_tokens > 0 && !prompt_counted_;
    prompt_counted_ = prompt_counted_ || first;
    if (first && !before_.prompt) {
      bill.input_cache_hit = usage.prompt_cache_hit_tokens;
      bill.input_cache_miss = usage.prompt_tokens - usage.prompt_cache_hit_tokens;
    }
    if (int64_t& counted = choices_[choice].counted; choices_[choice].had <= 0) {
      bill.output = std::max<int64_t>(0, usage.completion_tokens - counted);
      counted = std::max(counted, usage.completion_tokens);
    }
    used_ += bill.input_cache_hit + bill.input_cache_miss + bill.output;
  }
  if (!before_.free) account_->Bill(bill);
  if (!event.last()) return;
  bool over = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over = --open_choices_ == 0;
  }
  if (over || !event.status.ok()) End();
}

void Charge::End() {
  if (account_ == nullptr) return;
  int64_t used = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (std::exchange(ended_, true)) return;
    used = used_;
  }
  account_->EndStream(price_, used);
}

}  // namespace baleen
