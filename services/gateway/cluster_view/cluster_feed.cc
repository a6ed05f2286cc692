#include "services/gateway/cluster_view/cluster_feed.h"

#include <utility>

#include "services/gateway/cluster_view/cluster_document.h"

namespace baleen {

void ClusterFeed::Get(std::function<void(Document)> done) {
  {
    std::unique_lock lock(mutex_);
    if (newest_ != nullptr && clock_->Now() - made_ < options_.fresh) {
      const Document document = newest_;
      lock.unlock();
      return done(document);
    }
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;
  }
  options_.activity([this](absl::StatusOr<v1::Activity> activity) { Answer(activity); });
}

void ClusterFeed::Answer(const absl::StatusOr<v1::Activity>& activity) {
  const std::shared_ptr<const v1::ClusterMap> map = options_.map();
  const absl::Time now = clock_->Now();
  const auto document = std::make_shared<const std::string>(
      ClusterDocument(options_.model, map == nullptr ? v1::ClusterMap() : *map, activity.ok() ? &*activity : nullptr, now));
  std::vector<std::function<void(Document)>> waiting;
  {
    const std::lock_guard lock(mutex_);
    newest_ = document;
    made_ = now;
    waiting.swap(waiting_);
  }
  for (const auto& done : waiting) done(document);
}

}  // namespace baleen
