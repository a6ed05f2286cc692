#include "services/attention/probe.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

namespace baleen {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

Counter& AddCounter(prometheus::Registry& registry, const std::string& name, const std::string& help,
                    const prometheus::Labels& labels = {}) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

Gauge& AddGauge(prometheus::Registry& registry, const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

Histogram& AddHistogram(prometheus::Registry& registry, const std::string& name, const std::string& help,
                        const Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

}  // namespace

struct AttentionProbe::Impl {
  explicit Impl(prometheus::Registry& r)
      : running(AddGauge(r, "baleen_num_requests_running", "Sequences that are prefilled or decoded now.")),
        waiting(AddGauge(r, "baleen_num_requests_waiting", "Sequences that wait for KV blocks.")),
        kv_usage(AddGauge(r, "baleen_kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.")),
        kv_touched(AddGauge(r, "baleen_kv_cache_touched_bytes", "Memory of the KV blocks that were used at least once.")),
        prompt_tokens(AddCounter(r, "baleen_prompt_tokens_total", "Prompt tokens put into KV for decoding here.")),
        queried_tokens(AddCounter(r, "baleen_prefix_cache_queries_total", "Prompt tokens that were looked for in the prefix cache.")),
        cached_tokens(AddCounter(r, "baleen_prefix_cache_hits_total", "Prompt tokens whose KV was in the prefix cache.")),
        generation_tokens(AddCounter(r, "baleen_generation_tokens_total", "Tokens sampled.")),
        preemptions(AddCounter(r, "baleen_num_preemptions_total", "Times that a sequence gave its KV blocks up to be filled again.")),
        drafts(AddCounter(r, "baleen_spec_decode_num_draft_tokens_total", "Tokens that the MTP layer guessed and the model verified.")),
        accepted(AddCounter(r, "baleen_spec_decode_num_accepted_tokens_total", "Guesses that were right.")),
        queue_time(AddHistogram(r, "baleen_request_queue_time_seconds", "How long sequences waited for their first KV blocks.",
                                {0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300})),
        step_failures(AddCounter(r, "baleen_attention_step_failures_total", "Steps that failed, retried ones included.")),
        step_seconds(AddHistogram(r, "baleen_attention_step_seconds", "Duration of a step.",
                                  {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30})),
        step_rows(AddHistogram(r, "baleen_attention_step_rows", "Rows of a step.", {1, 2, 4, 8, 16, 32, 64, 128, 256, 512})),
        bytes_received(AddCounter(r, "baleen_kv_transfer_bytes_total", "Bytes of KV rows moved.", {{"direction", "in"}})),
        bytes_sent(AddCounter(r, "baleen_kv_transfer_bytes_total", "Bytes of KV rows moved.", {{"direction", "out"}})),
        pages_received(AddCounter(r, "baleen_kv_transfer_pages_total", "Messages of KV rows moved.", {{"direction", "in"}})),
        pages_sent(AddCounter(r, "baleen_kv_transfer_pages_total", "Messages of KV rows moved.", {{"direction", "out"}})),
        copies_kept(AddCounter(r, "baleen_kv_standby_blocks_total", "KV blocks sent to sequences' standbys.", {{"result", "kept"}})),
        copies_refused(AddCounter(r, "baleen_kv_standby_blocks_total", "KV blocks sent to sequences' standbys.", {{"result", "refused"}})),
        remote_filled(AddCounter(r, "baleen_remote_prefills_total", "Prompts handed to prefill workers.", {{"result", "filled"}})),
        remote_failed(AddCounter(r, "baleen_remote_prefills_total", "Prompts handed to prefill workers.", {{"result", "local"}})) {}

  Gauge& running;
  Gauge& waiting;
  Gauge& kv_usage;
  Gauge& kv_touched;
  Counter& prompt_tokens;
  Counter& queried_tokens;
  Counter& cached_tokens;
  Counter& generation_tokens;
  Counter& preemptions;
  Counter& drafts;
  Counter& accepted;
  Histogram& queue_time;
  Counter& step_failures;
  Histogram& step_seconds;
  Histogram& step_rows;
  Counter& bytes_received;
  Counter& bytes_sent;
  Counter& pages_received;
  Counter& pages_sent;
  Counter& copies_kept;
  Counter& copies_refused;
  Counter& remote_filled;
  Counter& remote_failed;
};

AttentionProbe::AttentionProbe(prometheus::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {}
AttentionProbe::~AttentionProbe() = default;

void AttentionProbe::Load(int64_t running, int64_t waiting, float kv_usage, int64_t kv_touched_bytes) {
  impl_->running.Set(static_cast<double>(running));
  impl_->waiting.Set(static_cast<double>(waiting));
  impl_->kv_usage.Set(static_cast<double>(kv_usage));
  impl_->kv_touched.Set(static_cast<double>(kv_touched_bytes));
}

void AttentionProbe::Admitted(absl::Duration waited) { impl_->queue_time.Observe(absl::ToDoubleSeconds(waited)); }

void AttentionProbe::Stepped(absl::Duration duration, int64_t rows) {
  impl_->step_seconds.Observe(absl::ToDoubleSeconds(duration));
  impl_->step_rows.Observe(static_cast<double>(rows));
}

void AttentionProbe::StepFailed() { impl_->step_failures.Increment(); }
void AttentionProbe::Preempted(int64_t sequences) { impl_->preemptions.Increment(static_cast<double>(sequences)); }

void AttentionProbe::Prefilled(int64_t prompt_tokens, int64_t cached_tokens) {
  impl_->prompt_tokens.Increment(static_cast<double>(prompt_tokens));
  impl_->queried_tokens.Increment(static_cast<double>(prompt_tokens));
  impl_->cached_tokens.Increment(static_cast<double>(cached_tokens));
}

void AttentionProbe::Verified(bool accepted) {
  impl_->drafts.Increment();
  if (accepted) impl_->accepted.Increment();
}

void AttentionProbe::Generated(int64_t tokens) { impl_->generation_tokens.Increment(static_cast<double>(tokens)); }

void AttentionProbe::PageReceived(size_t bytes) {
  impl_->bytes_received.Increment(static_cast<double>(bytes));
  impl_->pages_received.Increment();
}

void AttentionProbe::PageSent(size_t bytes) {
  impl_->bytes_sent.Increment(static_cast<double>(bytes));
  impl_->pages_sent.Increment();
}

void AttentionProbe::BlockCopied(bool kept) { (kept ? impl_->copies_kept : impl_->copies_refused).Increment(); }
void AttentionProbe::RemotePrefill(bool filled) { (filled ? impl_->remote_filled : impl_->remote_failed).Increment(); }

}  // namespace baleen
