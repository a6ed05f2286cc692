#include "services/common/timers.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "services/common/grpc_deadline.h"

namespace baleen {
namespace {

class AlarmTimers final : public Timers {
 public:
  void After(absl::Duration delay, std::function<void()> work) override {
    // An alarm keeps its callback after the call and may not be set again within it: one alarm a call, which the callback lets go.
    auto alarm = std::make_shared<grpc::Alarm>();
    // It must not fire before it is set.
    const absl::Time due = Clock::Real()->Now() + std::max(delay, absl::Milliseconds(1));
    alarm->Set(GrpcDeadline(due), [alarm, work = std::move(work)](bool) mutable {
      const std::shared_ptr<grpc::Alarm> last = std::move(alarm);
      std::exchange(work, nullptr)();
    });
  }
};

}  // namespace

Timers* Timers::Real() {
  static AlarmTimers timers;
  return &timers;
}

}  // namespace baleen
