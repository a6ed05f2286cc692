#include "base/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace baleen {
namespace {

class RealClock final : public Clock {
 public:
  absl::Time Now() override { return wall_then_ + absl::FromChrono(std::chrono::steady_clock::now() - steady_then_); }
  void Sleep(absl::Duration duration) override { absl::SleepFor(duration); }

 private:
  const absl::Time wall_then_ = absl::Now();
  const std::chrono::steady_clock::time_point steady_then_ = std::chrono::steady_clock::now();
};

}  // namespace

Clock* Clock::Real() {
  static RealClock clock;
  return &clock;
}

}  // namespace baleen
