#include "services/gateway/cluster_view/cluster_handler.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace baleen {
namespace {

constexpr absl::Duration kPeriod = absl::Seconds(1);

}  // namespace

// One open stream's state.
struct ClusterHandler::Watcher {
  explicit Watcher(std::shared_ptr<Watchers> all_in) : all(std::move(all_in)) {}
  ~Watcher() { --all->open; }

  const std::shared_ptr<Watchers> all;
  std::atomic<bool> slow{false};
};

absl::Status ClusterHandler::Handle(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  if (!absl::StrContains(request.Header("accept"), "text/event-stream")) {
    feed_->Get([responder](const ClusterFeed::Document& document) {
      responder->Respond(200, {{"content-type", "application/json"}, {"cache-control", "no-store"}}, *document);
    });
    return absl::OkStatus();
  }
  const HttpHeaders headers = {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}};
  if (request.method == "HEAD") {
    responder->BeginStream(headers);
    responder->EndStream();
    return absl::OkStatus();
  }
  if (++watchers_->open > kMaxWatchers) {
    --watchers_->open;
    return absl::ResourceExhaustedError(absl::StrCat(kMaxWatchers, " clients watch the cluster already; close one and try again."));
  }
  const auto watcher = std::make_shared<Watcher>(watchers_);
  responder->BeginStream(headers);
  responder->OnBackpressure([watcher](bool slow) { watcher->slow = slow; });
  // The answer's timer holds this, and goes when the client does.
  const auto send = [feed = feed_, watcher, responder] {
    if (watcher->all->ending) {
      responder->EndStream();
      return false;
    }
    feed->Get([watcher, responder](const ClusterFeed::Document& document) {
      // A client that does not read misses documents.
      if (!watcher->slow) responder->Write(absl::StrCat("data: ", *document, "\n\n"));
    });
    return true;
  };
  send();
  responder->Every(kPeriod, send);
  return absl::OkStatus();
}

}  // namespace baleen
