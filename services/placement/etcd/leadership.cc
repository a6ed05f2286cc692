#include "services/placement/etcd/leadership.h"

#include <utility>

namespace baleen {
namespace {

constexpr absl::Duration kPeriod = absl::Milliseconds(250);

}  // namespace

Leadership::Leadership(const std::string& etcd, ElectionOptions options, ElectionEvents events,
                       std::shared_ptr<grpc::ChannelCredentials> credentials)
    : etcd_(etcd, std::move(credentials)),
      election_(std::move(options), std::move(events), &etcd_, Clock::Real()),
      thread_([this] { Run(); }) {}

Leadership::~Leadership() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  election_.Resign();
}

void Leadership::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    election_.Step();
    lock.lock();
    wake_.wait_for(lock, absl::ToChronoMilliseconds(kPeriod), [this] { return stop_; });
  }
}

}  // namespace baleen
