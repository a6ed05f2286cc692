// Whether an expert shard is one to send to: ejected when it does not answer in time, probed, and let back in.
#ifndef BALEEN_SERVICES_ROUTER_SHARD_HEALTH_H_
#define BALEEN_SERVICES_ROUTER_SHARD_HEALTH_H_

#include <cstdint>

#include "absl/time/time.h"

namespace baleen {

// A function of the events and times given. Thread-compatible.
class ShardHealth {
 public:
  static constexpr absl::Duration kRefusalPause = absl::Milliseconds(50);
  static constexpr absl::Duration kFirstEjection = absl::Milliseconds(250);
  static constexpr absl::Duration kMaxEjection = absl::Seconds(8);
  static constexpr absl::Duration kProbeInterval = absl::Milliseconds(250);
  // Answers in time that make earlier ejections forgotten.
  static constexpr int kForgiveAfter = 32;

  // A call was answered in `took`.
  void Answered(absl::Time now, int64_t slots, absl::Duration took);
  // It said something: a probe's answer or one that came too late to be of use.
  void Alive(absl::Time now);
  // A call was not answered in time. The first ejection lasts until the shard says something, the next ones also for a time that doubles.
  void Overdue(absl::Time now);
  // It answered a call with an error: no calls at all for kRefusalPause, so that a retry does not spin.
  void Refused(absl::Time now);
  // A new stream to it is up.
  void Connected();

  // Sending to it now is sensible if no other holder can take the call.
  bool Usable(absl::Time now) const { return now >= paused_until_; }
  // It answers in time.
  bool Good(absl::Time now) const { return Usable(now) && !ejected_; }
  // True when an ejected shard is to be asked for a sign of life; then not again for kProbeInterval.
  bool TakeProbe(absl::Time now);
  // When Usable or TakeProbe may next change by time alone.
  absl::Time NextEvent(absl::Time now) const;

  bool ejected() const { return ejected_; }
  // Smoothed nanoseconds a slot, at least 1: what picking by load weighs slots with. 0 before the first answer in time.
  int64_t slot_cost() const { return slot_cost_; }

 private:
  absl::Time paused_until_ = absl::InfinitePast();
  bool ejected_ = false;
  absl::Time ejected_until_ = absl::InfinitePast();
  absl::Time probe_at_ = absl::InfiniteFuture();
  int ejections_ = 0;
  int answers_in_time_ = 0;  // Up to kForgiveAfter.
  int64_t slot_cost_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_SHARD_HEALTH_H_
