#include "services/placement/background/rebalance.h"

#include "absl/strings/str_cat.h"
#include "services/common/log.h"

namespace baleen {

Rebalancer::Rebalancer(Cluster& cluster, PlacementProbe& probe, absl::Duration period)
    : cluster_(cluster), probe_(probe), period_(period), thread_([this] { Run(); }) {}

Rebalancer::~Rebalancer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Rebalancer::Run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, absl::ToChronoMilliseconds(period_), [this] { return stop_; })) {
    lock.unlock();
    Step();
    lock.lock();
  }
}

void Rebalancer::Step() {
  const double before = cluster_.imbalance();
  const bool moves = cluster_.Rebalance();
  const double after = moves ? cluster_.imbalance() : before;
  probe_.ObserveImbalance(after);
  if (!moves) return;
  probe_.Rebalanced();
  Log(LogLevel::kInfo, "rebalance", {{"imbalance_before", absl::StrCat(before)}, {"imbalance_after", absl::StrCat(after)}});
}

}  // namespace baleen
