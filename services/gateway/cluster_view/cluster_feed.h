// Makes the cluster's document when somebody asks for it: one question to placement at a time, however many watch.
#ifndef BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_FEED_H_
#define BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_FEED_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

struct ClusterFeedOptions {
  std::string model;
  // The newest map; null before the first.
  std::function<std::shared_ptr<const v1::ClusterMap>()> map;
  // Asks placement; calls back once, on any thread.
  std::function<void(std::function<void(absl::StatusOr<v1::Activity>)>)> activity;
  absl::Duration fresh = absl::Milliseconds(400);  // A document this young is handed out again.
};

// Thread-safe; must outlive the callbacks that `activity` was given.
class ClusterFeed {
 public:
  using Document = std::shared_ptr<const std::string>;

  ClusterFeed(ClusterFeedOptions options, Clock* clock) : options_(std::move(options)), clock_(clock) {}

  // `done` is called once, without locks, maybe before this returns.
  void Get(std::function<void(Document)> done);

 private:
  void Answer(const absl::StatusOr<v1::Activity>& activity);

  const ClusterFeedOptions options_;
  Clock* const clock_;
  std::mutex mutex_;  // Guards what follows.
  Document newest_;
  absl::Time made_ = absl::InfinitePast();
  std::vector<std::function<void(Document)>> waiting_;  // Not empty = placement is being asked.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_FEED_H_
