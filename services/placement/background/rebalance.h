// The loop that moves experts to where the measured load wants them.
#ifndef BALEEN_SERVICES_PLACEMENT_BACKGROUND_REBALANCE_H_
#define BALEEN_SERVICES_PLACEMENT_BACKGROUND_REBALANCE_H_

#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/time/time.h"
#include "services/placement/cluster.h"
#include "services/placement/probe.h"

namespace baleen {

// Asks for a better plan every `period` on a thread of its own, from construction to destruction.
class Rebalancer {
 public:
  Rebalancer(Cluster& cluster, PlacementProbe& probe, absl::Duration period);
  ~Rebalancer();

 private:
  void Run();
  void Step();

  Cluster& cluster_;
  PlacementProbe& probe_;
  const absl::Duration period_;
  std::mutex mutex_;  // Guards stop_.
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_BACKGROUND_REBALANCE_H_
