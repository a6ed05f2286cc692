#include "services/gateway/probe.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "services/common/log.h"
#include "services/common/request_id.h"

namespace baleen {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets kSeconds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
const Buckets kInterTokenSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
const Buckets kRefusalSeconds = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1};
const Buckets kTokens = {1, 8, 32, 128, 512, 2048, 8192, 32768, 131072};

prometheus::Histogram& MakeHistogram(prometheus::Registry& registry, const char* name, const char* help, const Buckets& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

const char* NameOf(const GenerationEvent& event) {
  if (!event.status.ok()) return "error";
  switch (event.finish) {
    case Finish::kLength:
      return "length";
    case Finish::kContentFilter:
      return "content_filter";
    case Finish::kInsufficientResource:
      return "insufficient_system_resource";
    default:
      return "stop";
  }
}

// Codes and counts, never what a status says in words.
void LogEnd(const std::string& request_id, const GenerationEvent& event, absl::Duration elapsed) {
  const std::string milliseconds = absl::StrCat(absl::ToInt64Milliseconds(elapsed));
  if (!event.status.ok()) {
    return Log(LogLevel::kWarning, "request_failed",
               {{"request", RequestIdToHex(request_id)}, {"code", absl::StatusCodeToString(event.status.code())}, {"ms", milliseconds}});
  }
  Log(LogLevel::kDebug, "request_ended",
      {{"request", RequestIdToHex(request_id)},
       {"reason", NameOf(event)},
       {"prompt_tokens", absl::StrCat(event.usage.prompt_tokens)},
       {"completion_tokens", absl::StrCat(event.usage.completion_tokens)},
       {"failovers", absl::StrCat(event.usage.failovers)},
       {"ms", milliseconds}});
}

}  // namespace

struct GatewayProbe::Impl {
  Impl(prometheus::Registry& registry, const std::string& model, RequestTracer request_tracer)
      : model(model),
        tracer(std::move(request_tracer)),
        gen_ai(registry, model),
        running(MakeGauge(registry, "baleen_num_requests_running", "Requests being answered.")),
        waiting(MakeGauge(registry, "baleen_num_requests_before_first_token", "Running requests whose first token has not come.")),
        kv_usage(MakeGauge(registry, "baleen_kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1: mean of the decode workers.")),
        success(
            prometheus::BuildCounter().Name("baleen_request_success_total").Help("Requests ended, by finish reason.").Register(registry)),
        refused(
            prometheus::BuildCounter().Name("baleen_request_refused_total").Help("Requests refused, by HTTP status.").Register(registry)),
        refusal(MakeHistogram(registry, "baleen_request_refusal_seconds", "From a request's arrival to its answer 4xx.", kRefusalSeconds)),
        disconnected(MakeCounter(registry, "baleen_request_disconnected_total", "Clients that left early.")),
        failovers(MakeCounter(registry, "baleen_request_failovers_total", "Times that another worker went on with a request.")),
        time_to_first_token(MakeHistogram(registry, "baleen_time_to_first_token_seconds", "From request to first token.", kSeconds)),
        inter_token(MakeHistogram(registry, "baleen_inter_token_latency_seconds", "Between tokens of a request.", kInterTokenSeconds)),
        end_to_end(MakeHistogram(registry, "baleen_e2e_request_latency_seconds", "From request to last token.", kSeconds)),
        prompt_tokens(MakeHistogram(registry, "baleen_request_prompt_tokens", "Prompt tokens of a request.", kTokens)),
        generation_tokens(MakeHistogram(registry, "baleen_request_generation_tokens", "Generated tokens of a request.", kTokens)) {}

  void Ended(const GenerationEvent& event, absl::Duration elapsed) {
    success.Add({{"finished_reason", NameOf(event)}}).Increment();
    failovers.Increment(static_cast<double>(event.usage.failovers));
    end_to_end.Observe(absl::ToDoubleSeconds(elapsed));
    prompt_tokens.Observe(static_cast<double>(event.usage.prompt_tokens));
    generation_tokens.Observe(static_cast<double>(event.usage.completion_tokens));
  }

  const std::string model;
  const RequestTracer tracer;
  GenAiMetrics gen_ai;
  prometheus::Gauge& running;
  prometheus::Gauge& waiting;
  prometheus::Gauge& kv_usage;
  prometheus::Family<prometheus::Counter>& success;
  prometheus::Family<prometheus::Counter>& refused;
  prometheus::Histogram& refusal;
  prometheus::Counter& disconnected;
  prometheus::Counter& failovers;
  prometheus::Histogram& time_to_first_token;
  prometheus::Histogram& inter_token;
  prometheus::Histogram& end_to_end;
  prometheus::Histogram& prompt_tokens;
  prometheus::Histogram& generation_tokens;
};

namespace {

// Counts a request in a gauge for as long as it lives.
class GaugeGuard {
 public:
  explicit GaugeGuard(prometheus::Gauge& gauge) : gauge_(gauge) { gauge_.Increment(); }
  ~GaugeGuard() { gauge_.Decrement(); }
  GaugeGuard(const GaugeGuard&) = delete;
  GaugeGuard& operator=(const GaugeGuard&) = delete;

 private:
  prometheus::Gauge& gauge_;
};

}  // namespace

GatewayProbe::GatewayProbe(prometheus::Registry& registry, const std::string& model, RequestTracer tracer)
    : impl_(std::make_shared<Impl>(registry, model, std::move(tracer))) {}
GatewayProbe::~GatewayProbe() = default;

RequestOrigin GatewayProbe::Begin(Operation operation, const GenerationInput& input) const {
  return {operation, input.request_id,
          impl_->tracer.Begin(input.traceparent, {operation, input.request_id, impl_->model, input.spec.choices})};
}

GenerationSink GatewayProbe::Measure(GenerationSink sink, RequestOrigin origin) {
  return [impl = impl_, origin = std::move(origin), sink = std::move(sink), running = std::make_shared<GaugeGuard>(impl_->running),
          waiting = std::make_shared<GaugeGuard>(impl_->waiting), start = Clock::Real()->Now(), first_token = absl::InfinitePast(),
          last_token = absl::InfinitePast()](GenerationEvent event) mutable {
    const absl::Time now = Clock::Real()->Now();
    if (!event.tokens.empty()) {
      if (first_token == absl::InfinitePast()) {
        waiting.reset();
        first_token = now;
        impl->time_to_first_token.Observe(absl::ToDoubleSeconds(now - start));
      } else {
        impl->inter_token.Observe(absl::ToDoubleSeconds(now - last_token));
      }
      last_token = now;
    }
    if (event.last()) {
      impl->Ended(event, now - start);
      impl->gen_ai.Ended(origin.operation, event, start, first_token, now);
      if (origin.trace != nullptr) origin.trace->Ended(event, first_token, now);
      LogEnd(origin.request_id, event, now - start);
    }
    sink(std::move(event));
  };
}

void GatewayProbe::Refused(int http_status) { impl_->refused.Add({{"status", std::to_string(http_status)}}).Increment(); }
void GatewayProbe::RefusedAfter(absl::Duration elapsed) { impl_->refusal.Observe(absl::ToDoubleSeconds(elapsed)); }
void GatewayProbe::Disconnected() { impl_->disconnected.Increment(); }
void GatewayProbe::KvUsage(double share) { impl_->kv_usage.Set(share); }
int64_t GatewayProbe::waiting() const { return static_cast<int64_t>(impl_->waiting.Value()); }
int64_t GatewayProbe::running() const { return static_cast<int64_t>(impl_->running.Value()); }

}  // namespace baleen
