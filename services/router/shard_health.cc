#include "services/router/shard_health.h"

#include <algorithm>

namespace baleen {

void ShardHealth::Answered(absl::Time now, int64_t slots, absl::Duration took) {
  const int64_t cost = std::max<int64_t>(1, absl::ToInt64Nanoseconds(took) / std::max<int64_t>(slots, 1));
  slot_cost_ = slot_cost_ == 0 ? cost : std::max<int64_t>(1, slot_cost_ + (cost - slot_cost_) / 8);
  answers_in_time_ = std::min(answers_in_time_ + 1, kForgiveAfter);
  if (answers_in_time_ == kForgiveAfter) ejections_ = 0;
  Alive(now);
}

void ShardHealth::Alive(absl::Time now) {
  if (now < ejected_until_) return;
  ejected_ = false;
  probe_at_ = absl::InfiniteFuture();
}

void ShardHealth::Overdue(absl::Time now) {
  answers_in_time_ = 0;
  if (ejected_) return;
  ejected_ = true;
  ejected_until_ = ejections_ == 0 ? now : now + std::min(kMaxEjection, kFirstEjection * (int64_t{1} << std::min(ejections_ - 1, 10)));
  probe_at_ = std::max(now + kProbeInterval, ejected_until_);
  ++ejections_;
}

void ShardHealth::Refused(absl::Time now) {
  answers_in_time_ = 0;
  paused_until_ = now + kRefusalPause;
}

void ShardHealth::Connected() {
  ejected_ = false;
  ejected_until_ = absl::InfinitePast();
  probe_at_ = absl::InfiniteFuture();
}

bool ShardHealth::TakeProbe(absl::Time now) {
  if (now < probe_at_) return false;
  probe_at_ = now + kProbeInterval;
  return true;
}

absl::Time ShardHealth::NextEvent(absl::Time now) const { return paused_until_ > now ? std::min(paused_until_, probe_at_) : probe_at_; }

}  // namespace baleen
