#include "tests/simulation/placement_node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/placement/office.h"
#include "services/placement/ops/deregister.h"
#include "services/placement/ops/heartbeat.h"
#include "services/placement/ops/register.h"
#include "services/placement/timing.h"
#include "tests/simulation/worker_agent.h"

namespace baleen {
namespace {

template <typename Request, typename Reply, typename Handler>
std::any Handle(const std::any& request, Handler handler) {
  PlacementReply<Reply> reply;
  reply.status = handler(*std::any_cast<Request>(&request), reply.body);
  return reply;
}

}  // namespace

PlacementNode::PlacementNode(World* world, std::string host, ClusterOptions options, FakeEtcd* etcd, EpochLedger* ledger)
    : world_(world), host_(std::move(host)), cluster_(options, &world->loop), ledger_(ledger) {
  world_->network.Boot(host_);
  world_->network.Serve(host_, kPlacementCall, [this](const std::any& request) { return Answer(request); });
  world_->network.Listen(host_, kMapWatch, [this](std::shared_ptr<Pipe> pipe) { return AcceptWatch(std::move(pipe)); });
  if (etcd != nullptr) {
    etcd_ = etcd->Client([this] { return ReachEtcd(); });
    ElectionEvents office = MakeOffice(cluster_);
    office.on_elected = [this, take_over = office.on_elected](const v1::StoredPlacement& stored) {
      fresh_ = true;
      take_over(stored);
    };
    election_ = std::make_unique<Election>(ElectionOptions{.address = host_}, std::move(office), etcd_.get(), &world_->loop);
  }
  (void)cluster_.Watch([this](const MapPtr& map) { Note(*map); });
  Tick();
}

absl::Status PlacementNode::Leads() const { return election_ == nullptr ? absl::OkStatus() : election_->Leads(); }

EtcdReach PlacementNode::ReachEtcd() const {
  const Network& network = world_->network;
  if (!network.Up(kEtcdHost) || network.Frozen(kEtcdHost) || network.IsCut(host_, kEtcdHost)) return EtcdReach::kLost;
  if (network.IsCut(kEtcdHost, host_)) return EtcdReach::kUnanswered;
  const int64_t fate = world_->loop.Pick(500);
  return fate == 0 ? EtcdReach::kLost : fate == 1 ? EtcdReach::kUnanswered : EtcdReach::kAnswered;
}

void PlacementNode::Tick() {
  if (election_ != nullptr) election_->Step().IgnoreError();  // It notes its errors, and is stepped again.
  cluster_.Tick();
  if (++ticks_ % 16 == 0 && cluster_.Rebalance()) {
    world_->Tell(absl::StrCat(host_, " moves experts for their load"));
    ++rebalances_;
  }
  world_->network.After(host_, kLivenessPeriod, [this] { Tick(); });
}

std::any PlacementNode::Answer(const std::any& request) {
  const absl::Status leads = Leads();
  PlacementProbe& probe = *world_->parts.placement_probe;
  if (request.type() == typeid(v1::RegisterRequest)) {
    return Handle<v1::RegisterRequest, v1::RegisterReply>(
        request, [&](const auto& body, auto& reply) { return leads.ok() ? HandleRegister(cluster_, probe, "", body, reply) : leads; });
  }
  if (request.type() == typeid(v1::HeartbeatRequest)) {
    return Handle<v1::HeartbeatRequest, v1::HeartbeatReply>(
        request, [&](const auto& body, auto& reply) { return leads.ok() ? HandleHeartbeat(cluster_, probe, "", body, reply) : leads; });
  }
  return Handle<v1::DeregisterRequest, v1::DeregisterReply>(
      request, [&](const auto& body, auto& reply) { return leads.ok() ? HandleDeregister(cluster_, probe, "", body, reply) : leads; });
}

// As WatchMap: the newest map, then each newer one.
PipeHandlers PlacementNode::AcceptWatch(std::shared_ptr<Pipe> pipe) {
  if (!Leads().ok()) {
    pipe->Close(Leads());
    return {};
  }
  const absl::StatusOr<uint64_t> handle = cluster_.Watch([pipe](const MapPtr& map) { (void)pipe->Send(map); });
  return {.on_packet = [](const Packet&) {}, .on_closed = [this, handle](absl::Status) { cluster_.Unwatch(*handle); }};
}

void PlacementNode::Note(const v1::ClusterMap& map) {
  if (election_ == nullptr) return;
  // A leader's first map must lie above everything that anybody published; later it may be overtaken by a successor it knows nothing of.
  if (map.epoch() <= ledger_->newest && (std::exchange(fresh_, false) || ledger_->publisher == host_)) {
    world_->Broken(absl::StrCat(host_, " published epoch ", map.epoch(), " after ", ledger_->publisher, " had ", ledger_->newest));
  }
  fresh_ = false;
  if (map.epoch() > ledger_->newest) *ledger_ = {map.epoch(), host_};
}

}  // namespace baleen
