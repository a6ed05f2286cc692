#include "tests/simulation/worker_agent.h"

#include <utility>

#include "services/placement/timing.h"
#include "tests/simulation/placement_node.h"

namespace baleen {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(1);
constexpr absl::Duration kRetryPause = absl::Milliseconds(200);

// What a call came to: the transport's status or the service's.
template <typename Body>
absl::Status StatusOf(const absl::StatusOr<std::any>& result, Body* body) {
  if (!result.ok()) return result.status();
  const auto& reply = *std::any_cast<PlacementReply<Body>>(&*result);
  *body = reply.body;
  return reply.status;
}

}  // namespace

WorkerAgent::WorkerAgent(World* world, WorkerAgentOptions options) : world_(world), options_(std::move(options)) {
  Beat();
  Watch();
}

void WorkerAgent::Leave(bool when_released, std::function<void()> left) {
  left_ = std::move(left);
  if (!when_released) Deregister();
}

void WorkerAgent::Beat() {
  if (gone_) return;
  registered_ ? Report() : Register();
}

void WorkerAgent::Again(absl::Duration pause) {
  world_->network.After(options_.host, pause, [this] { Beat(); });
}

void WorkerAgent::Register() {
  v1::RegisterRequest request;
  *request.mutable_worker() = options_.worker;
  v1::HeartbeatRequest report;
  options_.report(&report);
  *request.mutable_loaded() = report.loaded();
  request.set_epoch_seen(map_ == nullptr ? 0 : map_->epoch());
  world_->network.Call(options_.host, Placement(), kPlacementCall, request, kCallTimeout, [this](absl::StatusOr<std::any> result) {
    v1::RegisterReply reply;
    const absl::Status status = StatusOf(result, &reply);
    if (!status.ok()) return TryNext(status);
    registered_ = true;
    if (options_.on_assignment) options_.on_assignment({reply.assigned().begin(), reply.assigned().end()});
    Report();  // A registration's first report follows at once.
  });
}

void WorkerAgent::Report() {
  v1::HeartbeatRequest request;
  options_.report(&request);
  request.set_worker_id(options_.worker.worker_id());
  request.set_draining(draining_);
  world_->network.Call(options_.host, Placement(), kPlacementCall, request, kCallTimeout, [this](absl::StatusOr<std::any> result) {
    v1::HeartbeatReply reply;
    const absl::Status status = StatusOf(result, &reply);
    if (absl::IsNotFound(status)) registered_ = false;
    if (!status.ok()) return TryNext(status);
    if (options_.on_assignment) options_.on_assignment({reply.assigned().begin(), reply.assigned().end()});
    if (left_ && reply.released()) return Deregister();
    Again(kHeartbeatInterval);
  });
}

void WorkerAgent::Deregister() {
  if (std::exchange(gone_, true)) return;
  v1::DeregisterRequest request;
  request.set_worker_id(options_.worker.worker_id());
  // Whether it is confirmed or not, the worker goes.
  world_->network.Call(options_.host, Placement(), kPlacementCall, request, 2 * kCallTimeout,
                       [this](absl::StatusOr<std::any>) { std::exchange(left_, nullptr)(); });
}

void WorkerAgent::TryNext(const absl::Status& status) {
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    current_ = (current_ + 1) % options_.placements.size();
    if (options_.placements.size() > 1 && watch_ != nullptr) {
      std::exchange(watch_, nullptr)->Close(absl::CancelledError("another placement is tried"));
      Watch();
    }
  }
  Again(kRetryPause);
}

void WorkerAgent::Watch() {
  watch_ = world_->network.Open(options_.host, Placement(), kMapWatch,
                                {.on_packet = [this](const Packet& packet) { OnMap(*std::any_cast<MapPtr>(&packet)); },
                                 .on_closed =
                                     [this](absl::Status) {
                                       watch_ = nullptr;
                                       world_->network.After(options_.host, kRetryPause, [this] {
                                         if (watch_ == nullptr) Watch();
                                       });
                                     }});
}

void WorkerAgent::OnMap(const MapPtr& map) {
  if (map_ != nullptr && map->epoch() <= map_->epoch()) return;
  map_ = map;
  options_.on_map(map);
}

}  // namespace baleen
