// Simulated time: events in order of their time, and one random number generator for all that the seed decides.
#ifndef BALEEN_TESTS_SIMULATION_EVENT_LOOP_H_
#define BALEEN_TESTS_SIMULATION_EVENT_LOOP_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"

namespace baleen {

// For one thread. Equal seeds and equal calls give equal runs.
class EventLoop final : public Clock {
 public:
  explicit EventLoop(uint32_t seed) : random_(seed) {}

  absl::Time Now() override { return now_; }
  // Nothing may block in simulated time: aborts.
  void Sleep(absl::Duration duration) override;

  // Events of one time happen in the order in which they were asked for.
  void At(absl::Time time, std::function<void()> event);
  void After(absl::Duration delay, std::function<void()> event) { At(now_ + delay, std::move(event)); }
  // Runs what is due up to `end`, or until `done` says so after an event; whether it did.
  bool RunUntil(absl::Time end, const std::function<bool()>& done);
  // Forgets what is to come.
  void Clear() { events_ = {}; }

  // 0 <= result < below.
  int64_t Pick(int64_t below) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(below)); }
  bool Chance(int percent) { return Pick(100) < percent; }
  absl::Duration Between(absl::Duration low, absl::Duration high);

 private:
  struct Event {
    absl::Time time;
    uint64_t order;
    std::function<void()> run;
    bool operator<(const Event& other) const { return time != other.time ? time > other.time : order > other.order; }
  };

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  uint64_t order_ = 0;
  std::priority_queue<Event> events_;
  std::mt19937 random_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_EVENT_LOOP_H_
