// The loop that notices silent workers.
#ifndef BALEEN_SERVICES_PLACEMENT_BACKGROUND_LIVENESS_H_
#define BALEEN_SERVICES_PLACEMENT_BACKGROUND_LIVENESS_H_

#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/placement/cluster.h"
#include "services/placement/probe.h"

namespace baleen {

// Ticks the cluster every kLivenessPeriod on a thread of its own, from construction to destruction.
class Liveness {
 public:
  Liveness(Cluster& cluster, PlacementProbe& probe);
  ~Liveness();

 private:
  void Run();
  void Step();

  Cluster& cluster_;
  PlacementProbe& probe_;
  std::mutex mutex_;  // Guards stop_.
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_BACKGROUND_LIVENESS_H_
