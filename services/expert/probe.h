// An expert shard's metrics.
#ifndef BALEEN_SERVICES_EXPERT_PROBE_H_
#define BALEEN_SERVICES_EXPERT_PROBE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace baleen {

// Thread-safe. Without a registry every verb does nothing.
class ExpertProbe {
 public:
  explicit ExpertProbe(prometheus::Registry* registry);

  void CallAnswered();
  void CallRefused(absl::StatusCode code);
  void BatchComputed(int64_t rows, absl::Duration took);
  void QueueDepth(size_t calls);
  void ExpertsLoaded(size_t experts, int64_t bytes_read);

 private:
  struct Metrics;
  std::shared_ptr<Metrics> metrics_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_PROBE_H_
