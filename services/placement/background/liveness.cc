#include "services/placement/background/liveness.h"

#include "services/common/log.h"
#include "services/placement/timing.h"

namespace baleen {

Liveness::Liveness(Cluster& cluster, PlacementProbe& probe) : cluster_(cluster), probe_(probe), thread_([this] { Run(); }) {}

Liveness::~Liveness() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Liveness::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    Step();
    lock.lock();
    wake_.wait_for(lock, absl::ToChronoMilliseconds(kLivenessPeriod), [this] { return stop_; });
  }
}

void Liveness::Step() {
  for (const std::string& id : cluster_.Tick()) {
    probe_.Expired();
    Log(LogLevel::kWarning, "worker_silent", {{"worker", id}});
  }
  probe_.Observe(cluster_.epoch(), cluster_.Snapshot(), cluster_.Mismatched().size(), cluster_.pending());
  probe_.ObserveWantedShards(cluster_.wanted_shards());
}

}  // namespace baleen
