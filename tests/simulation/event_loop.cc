#include "tests/simulation/event_loop.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace baleen {

void EventLoop::Sleep(absl::Duration) { std::abort(); }

void EventLoop::At(absl::Time time, std::function<void()> event) { events_.push({std::max(time, now_), ++order_, std::move(event)}); }

bool EventLoop::RunUntil(absl::Time end, const std::function<bool()>& done) {
  while (!done()) {
    if (events_.empty() || events_.top().time > end) {
      now_ = std::max(now_, end);
      return false;
    }
    // The queue gives its top as const; the event is popped before anything looks at it again.
    Event event = std::move(const_cast<Event&>(events_.top()));
    events_.pop();
    now_ = event.time;
    event.run();
  }
  return true;
}

absl::Duration EventLoop::Between(absl::Duration low, absl::Duration high) {
  return low + absl::Microseconds(Pick(absl::ToInt64Microseconds(high - low) + 1));
}

}  // namespace baleen
