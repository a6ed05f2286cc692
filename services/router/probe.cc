#include "services/router/probe.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "services/router/dispatch_core.h"

namespace baleen {

namespace {

prometheus::Gauge* Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

void RaiseTo(prometheus::Counter* counter, int64_t total) { counter->Increment(static_cast<double>(total) - counter->Value()); }

prometheus::Counter* Counter(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

RouterProbe::RouterProbe(prometheus::Registry* registry) {
  if (registry == nullptr) return;
  calls_ = Counter(*registry, "baleen_router_calls_total", "Messages sent to expert shards.");
  retries_ = Counter(*registry, "baleen_router_retries_total", "Calls that failed or timed out and were sent again.");
  rows_ = Counter(*registry, "baleen_router_rows_total", "Rows sent to expert shards.");
  hedges_ = Counter(*registry, "baleen_router_hedges_total", "Overdue calls that were also sent to another replica.");
  ejections_ = Counter(*registry, "baleen_router_ejections_total", "Times that a shard did not answer in time and was left alone.");
  hidden_ = Counter(*registry, "baleen_router_hidden_seconds_total", "Time that rows were at experts while attention computed.");
  waited_ = Counter(*registry, "baleen_router_waited_seconds_total", "Time that rows were at experts while attention sent or waited.");
  parked_ = Gauge(*registry, "baleen_router_parked", "(Row, expert) pairs that wait for a live replica.");
  ejected_ = Gauge(*registry, "baleen_router_ejected_shards", "Shards that are left alone until they answer.");
  call_seconds_ = &prometheus::BuildHistogram()
                       .Name("baleen_router_call_seconds")
                       .Help("From sending a call to its reply.")
                       .Register(*registry)
                       .Add({}, prometheus::Histogram::BucketBoundaries{0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25,
                                                                        0.5, 1, 2.5, 5, 10});
}

void RouterProbe::CallSent(int64_t rows) {
  if (calls_ == nullptr) return;
  calls_->Increment();
  rows_->Increment(static_cast<double>(rows));
}

void RouterProbe::CallDone(absl::Duration took) {
  if (call_seconds_ != nullptr) call_seconds_->Observe(absl::ToDoubleSeconds(took));
}

void RouterProbe::BatchBack(absl::Duration hidden, absl::Duration waited) {
  if (hidden_ == nullptr) return;
  hidden_->Increment(absl::ToDoubleSeconds(hidden));
  waited_->Increment(absl::ToDoubleSeconds(waited));
}

void RouterProbe::Decided(const DispatchStats& stats) {
  if (calls_ == nullptr) return;
  RaiseTo(retries_, stats.retries);
  RaiseTo(hedges_, stats.hedges);
  RaiseTo(ejections_, stats.ejections);
  parked_->Set(static_cast<double>(stats.parked));
  ejected_->Set(static_cast<double>(stats.ejected));
}

}  // namespace baleen
