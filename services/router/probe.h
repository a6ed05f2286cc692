// The router's metrics.
#ifndef BALEEN_SERVICES_ROUTER_PROBE_H_
#define BALEEN_SERVICES_ROUTER_PROBE_H_

#include <cstdint>

#include "absl/time/time.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace baleen {

struct DispatchStats;

// Thread-safe but for Decided, which has one caller at a time. Without a registry every verb does nothing.
class RouterProbe {
 public:
  explicit RouterProbe(prometheus::Registry* registry);

  void CallSent(int64_t rows);
  void CallDone(absl::Duration took);
  // All outputs of a batch are there: how long the worker computed something else meanwhile, and the rest of the round trip.
  void BatchBack(absl::Duration hidden, absl::Duration waited);
  void Decided(const DispatchStats& stats);  // Totals so far.

 private:
  prometheus::Counter* calls_ = nullptr;
  prometheus::Counter* retries_ = nullptr;
  prometheus::Counter* rows_ = nullptr;
  prometheus::Counter* hedges_ = nullptr;
  prometheus::Counter* ejections_ = nullptr;
  prometheus::Counter* hidden_ = nullptr;
  prometheus::Counter* waited_ = nullptr;
  prometheus::Gauge* parked_ = nullptr;
  prometheus::Gauge* ejected_ = nullptr;
  prometheus::Histogram* call_seconds_ = nullptr;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_PROBE_H_
