// How long a call to an expert shard takes, learnt from answers: tells when one is overdue.
#ifndef BALEEN_SERVICES_ROUTER_LATENCY_MODEL_H_
#define BALEEN_SERVICES_ROUTER_LATENCY_MODEL_H_

#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace baleen {

// Smoothed mean and deviation (RFC 6298's estimator) by the power of two of the call's slots. Thread-compatible.
class LatencyModel {
 public:
  LatencyModel(absl::Duration unknown, absl::Duration floor) : unknown_(unknown), floor_(floor) {}

  // An answer counts at most twice what was expected, so that one stopped shard does not teach patience but lasting slowness does.
  void Observe(int64_t slots, absl::Duration took);
  // Mean + 4 deviations, at least `floor`. A size never seen takes the nearest smaller one's, scaled; failing that, `unknown`.
  absl::Duration OverdueAfter(int64_t slots) const;

 private:
  struct Estimate {
    absl::Duration mean;
    absl::Duration deviation;
    bool known = false;
  };
  static size_t ClassOf(int64_t slots);

  static constexpr size_t kClasses = 24;
  const absl::Duration unknown_;
  const absl::Duration floor_;
  std::array<Estimate, kClasses> classes_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_LATENCY_MODEL_H_
