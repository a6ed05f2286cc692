#include "services/placement/etcd/leadership.h"

#include <utility>

namespace baleen {
Leadership::Leadership(const std::string& etcd, ElectionOptions options, ElectionEvents events,
                       std::shared_ptr<grpc::ChannelCredentials> credentials, absl::Duration period)
    : period_(period),
      etcd_(etcd, credentials),
      election_(options, std::move(events), &etcd_, Clock::Real()),
      watch_(etcd, credentials, Election::LeaderKey(options), [this] { Hint(); }),
      thread_([this] { Run(); }) {}

Leadership::~Leadership() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  for (const auto& done : stores_) done(absl::UnavailableError("this placement is stopping"));
  election_.Resign();
}

void Leadership::Hint() {
  {
    std::lock_guard lock(mutex_);
    hinted_ = true;
  }
  wake_.notify_all();
}

void Leadership::Store(std::function<void(const absl::Status&)> done) {
  {
    std::lock_guard lock(mutex_);
    stores_.push_back(std::move(done));
  }
  Hint();
}

void Leadership::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    hinted_ = false;
    const auto stores = std::exchange(stores_, {});
    lock.unlock();
    watch_.Renew();
    const absl::Status stepped = election_.Step();
    const absl::Status stored = stepped.ok() ? election_.Leads() : stepped;
    for (const auto& done : stores) done(stored);
    lock.lock();
    wake_.wait_for(lock, absl::ToChronoMilliseconds(period_), [this] { return stop_ || hinted_; });
  }
}

}  // namespace baleen
