#include "services/router/probe.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace baleen {

namespace {

prometheus::Counter* Counter(prometheus::Registry& registry, const char* name, const char* help) {
  return &prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

RouterProbe::RouterProbe(prometheus::Registry* registry) {
  if (registry == nullptr) return;
  calls_ = Counter(*registry, "baleen_router_calls_total", "Messages sent to expert shards.");
  retries_ = Counter(*registry, "baleen_router_retries_total", "Calls that failed or timed out and were sent again.");
  rows_ = Counter(*registry, "baleen_router_rows_total", "Rows sent to expert shards.");
  parked_ = &prometheus::BuildGauge()
                 .Name("baleen_router_parked")
                 .Help("(Row, expert) pairs that wait for a live replica.")
                 .Register(*registry)
                 .Add({});
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

void RouterProbe::CallRetried() {
  if (retries_ != nullptr) retries_->Increment();
}

void RouterProbe::CallDone(absl::Duration took) {
  if (call_seconds_ != nullptr) call_seconds_->Observe(absl::ToDoubleSeconds(took));
}

void RouterProbe::Parked(int64_t slots) {
  if (parked_ != nullptr) parked_->Set(static_cast<double>(slots));
}

}  // namespace baleen
