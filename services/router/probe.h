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

// Thread-safe. Without a registry every verb does nothing.
class RouterProbe {
 public:
  explicit RouterProbe(prometheus::Registry* registry);

  void CallSent(int64_t rows);
  void CallRetried();
  void CallDone(absl::Duration took);
  void Parked(int64_t slots);  // How many wait for a replica now.

 private:
  prometheus::Counter* calls_ = nullptr;
  prometheus::Counter* retries_ = nullptr;
  prometheus::Counter* rows_ = nullptr;
  prometheus::Gauge* parked_ = nullptr;
  prometheus::Histogram* call_seconds_ = nullptr;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_PROBE_H_
