// GET /v1/cluster: one document, or, for clients that accept text/event-stream, one a second until they leave.
#ifndef BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_HANDLER_H_
#define BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_HANDLER_H_

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "services/gateway/cluster_view/cluster_feed.h"
#include "services/gateway/http/http_server.h"

namespace baleen {

// Thread-safe; may go before the streams that it began.
class ClusterHandler {
 public:
  // `feed` outlives all answers.
  explicit ClusterHandler(ClusterFeed* feed) : feed_(feed) {}

  // RESOURCE_EXHAUSTED when kMaxWatchers streams are open; the caller answers that.
  absl::Status Handle(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder);
  // Streams end with their next document.
  void EndStreams() { watchers_->ending = true; }

  static constexpr int kMaxWatchers = 64;

 private:
  struct Watchers {
    std::atomic<int> open{0};
    std::atomic<bool> ending{false};
  };
  struct Watcher;

  ClusterFeed* const feed_;
  const std::shared_ptr<Watchers> watchers_ = std::make_shared<Watchers>();
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_HANDLER_H_
