#include "services/common/timers.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
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

// Shared with the inner timers, whose own work finds nothing to do once it is stopped.
struct StoppableTimers::State {
  // 0 once stopped.
  uint64_t Keep(std::function<void()>* work) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (stopped) return 0;
    waiting[++last_id] = std::move(*work);
    return last_id;
  }

  void Run(uint64_t id) {
    std::unique_lock<std::mutex> lock(mutex);
    const auto found = waiting.find(id);
    if (found == waiting.end()) return;
    std::function<void()> work = std::move(found->second);
    waiting.erase(found);
    ++running;
    lock.unlock();
    work();
    work = nullptr;  // What it owns may call, too.
    lock.lock();
    if (--running == 0) idle.notify_all();
  }

  void Stop() {
    std::map<uint64_t, std::function<void()>> dropped;  // What they own goes without the lock.
    std::unique_lock<std::mutex> lock(mutex);
    stopped = true;
    dropped.swap(waiting);
    idle.wait(lock, [this] { return running == 0; });
  }

  std::mutex mutex;
  std::condition_variable idle;
  std::map<uint64_t, std::function<void()>> waiting;
  uint64_t last_id = 0;
  size_t running = 0;
  bool stopped = false;
};

StoppableTimers::StoppableTimers(Timers* inner) : inner_(inner), state_(std::make_shared<State>()) {}

StoppableTimers::~StoppableTimers() { Stop(); }

void StoppableTimers::After(absl::Duration delay, std::function<void()> work) {
  if (const uint64_t id = state_->Keep(&work); id != 0) inner_->After(delay, [state = state_, id] { state->Run(id); });
}

void StoppableTimers::Stop() { state_->Stop(); }

}  // namespace baleen
