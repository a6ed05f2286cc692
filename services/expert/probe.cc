#include "services/expert/probe.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace baleen {

namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

prometheus::Gauge* Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Histogram* Histogram(prometheus::Registry& registry, const char* name, const char* help, const Buckets& buckets) {
  return &prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

}  // namespace

struct ExpertProbe::Metrics {
  explicit Metrics(prometheus::Registry& registry)
      : calls(&prometheus::BuildCounter().Name("baleen_expert_calls_total").Help("Calls answered, by code.").Register(registry)),
        calls_ok(&calls->Add({{"code", "OK"}})),
        rows(&prometheus::BuildCounter().Name("baleen_expert_rows_total").Help("Rows computed.").Register(registry).Add({})),
        queue_depth(Gauge(registry, "baleen_expert_queue_depth", "Calls that wait for compute.")),
        loaded(Gauge(registry, "baleen_expert_loaded_experts", "(Layer, expert) pairs held.")),
        bytes_read(Gauge(registry, "baleen_expert_checkpoint_bytes_read", "Checkpoint bytes of the experts read so far.")),
        batch_rows(Histogram(registry, "baleen_expert_batch_rows", "Rows merged into one computation.",
                             Buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})),
        compute_seconds(Histogram(registry, "baleen_expert_compute_seconds", "One merged computation.",
                                  Buckets{0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1})) {}

  prometheus::Family<prometheus::Counter>* calls;
  prometheus::Counter* calls_ok;  // Kept, since to find a counter of a family takes its lock and makes maps.
  prometheus::Counter* rows;
  prometheus::Gauge* queue_depth;
  prometheus::Gauge* loaded;
  prometheus::Gauge* bytes_read;
  prometheus::Histogram* batch_rows;
  prometheus::Histogram* compute_seconds;
};

ExpertProbe::ExpertProbe(prometheus::Registry* registry) {
  if (registry != nullptr) metrics_ = std::make_shared<Metrics>(*registry);
}

void ExpertProbe::CallAnswered() {
  if (metrics_ != nullptr) metrics_->calls_ok->Increment();
}

void ExpertProbe::CallRefused(absl::StatusCode code) {
  if (metrics_ != nullptr) metrics_->calls->Add({{"code", absl::StatusCodeToString(code)}}).Increment();
}

void ExpertProbe::BatchComputed(int64_t rows, absl::Duration took) {
  if (metrics_ == nullptr) return;
  metrics_->rows->Increment(static_cast<double>(rows));
  metrics_->batch_rows->Observe(static_cast<double>(rows));
  metrics_->compute_seconds->Observe(absl::ToDoubleSeconds(took));
}

void ExpertProbe::QueueDepth(size_t calls) {
  if (metrics_ != nullptr) metrics_->queue_depth->Set(static_cast<double>(calls));
}

void ExpertProbe::ExpertsLoaded(size_t experts, int64_t bytes_read) {
  if (metrics_ == nullptr) return;
  metrics_->loaded->Set(static_cast<double>(experts));
  metrics_->bytes_read->Set(static_cast<double>(bytes_read));
}

}  // namespace baleen
