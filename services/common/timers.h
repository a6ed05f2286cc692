// Work for later, as a dependency, so that simulated time can stand in.
#ifndef BALEEN_SERVICES_COMMON_TIMERS_H_
#define BALEEN_SERVICES_COMMON_TIMERS_H_

#include <functional>
#include <memory>

#include "absl/time/time.h"

namespace baleen {

// Thread-safe.
class Timers {
 public:
  virtual ~Timers() = default;
  // Calls `work` once, on any thread, after at least `delay` and never before this returns.
  virtual void After(absl::Duration delay, std::function<void()> work) = 0;

  // On gRPC's threads; lives as long as the process.
  static Timers* Real();
};

// Timers that end before what their work uses. Thread-safe.
class StoppableTimers final : public Timers {
 public:
  // `inner` outlives the process' last timer.
  explicit StoppableTimers(Timers* inner = Timers::Real());
  ~StoppableTimers() override;

  void After(absl::Duration delay, std::function<void()> work) override;
  // Drops what is not due yet, and what comes later; waits for what runs. Not from within it. Idempotent.
  void Stop();

 private:
  struct State;
  Timers* const inner_;
  const std::shared_ptr<State> state_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TIMERS_H_
