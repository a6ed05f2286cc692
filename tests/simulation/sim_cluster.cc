#include "tests/simulation/sim_cluster.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/sim_client.h"

namespace baleen {
namespace {

constexpr uint32_t kReplicas = 2;

}  // namespace

SimCluster::SimCluster(World* world, const std::vector<SimRequest>* requests) : world_(world), requests_(requests), etcd_(&world->loop) {
  EventLoop& loop = world_->loop;
  with_etcd_ = loop.Chance(50);
  kv_blocks_ = 4 + loop.Pick(4);
  extra_slots_ = static_cast<uint32_t>(loop.Pick(2));
  wrong_every_ = loop.Chance(50) ? 0 : 2 + loop.Pick(3);
  placements_ = with_etcd_ ? std::vector<std::string>{"placement-0", "placement-1"} : std::vector<std::string>{"placement-0"};
  world_->network.Boot(kEtcdHost);
  Add(SimRole::kPlacement, static_cast<int>(placements_.size()), "placement");
  Add(SimRole::kExpert, 3 + static_cast<int>(loop.Pick(2)), "expert");
  Add(SimRole::kPrefill, 1 + static_cast<int>(loop.Pick(2)), "prefill");
  Add(SimRole::kDecode, 2 + static_cast<int>(loop.Pick(2)), "decode");
  Add(SimRole::kGateway, 2, "gateway");
}

void SimCluster::Add(SimRole role, int count, const char* name) {
  for (int i = 0; i < count; ++i) {
    processes_.push_back(std::make_unique<Process>());
    processes_.back()->role = role;
    processes_.back()->host = absl::StrCat(name, "-", i);
  }
  for (const auto& process : processes_) {
    if (process->role == role) Start(*process);
  }
}

void SimCluster::Start(Process& process) {
  const std::string id = absl::StrCat(process.host, "/", ++process.starts);
  process.draining = false;
  switch (process.role) {
    case SimRole::kGateway:
      process.gateway = std::make_unique<GatewayNode>(world_, process.host, id, placements_, requests_);
      break;
    case SimRole::kDecode:
    case SimRole::kPrefill:
      process.attention = std::make_unique<AttentionNode>(
          world_, AttentionNodeOptions{process.host, id, placements_, process.role == SimRole::kDecode, kv_blocks_, wrong_every_});
      break;
    case SimRole::kExpert:
      process.expert = std::make_unique<ExpertNode>(world_, process.host, id, placements_);
      break;
    case SimRole::kPlacement: {
      ClusterOptions options;
      options.assignment.expected_shards = 3;
      options.assignment.replicas = kReplicas;
      options.assignment.extra_slots = extra_slots_;
      // A run is short.
      options.assignment.min_rows = 100;
      options.assignment.min_reports = 4;
      process.placement = std::make_unique<PlacementNode>(world_, process.host, options, with_etcd_ ? &etcd_ : nullptr, &epochs_);
      break;
    }
  }
}

std::vector<std::string> SimCluster::gateways() const {
  std::vector<std::string> hosts;
  for (const auto& process : processes_) {
    if (process->role == SimRole::kGateway) hosts.push_back(process->host);
  }
  return hosts;
}

void SimCluster::Kill(Process& process) {
  world_->network.Crash(process.host);
  auto corpse = std::make_unique<Process>();
  corpse->gateway = std::move(process.gateway);
  corpse->attention = std::move(process.attention);
  corpse->expert = std::move(process.expert);
  corpse->placement = std::move(process.placement);
  graveyard_.push_back(std::move(corpse));
}

void SimCluster::KillThenStart(Process& process, absl::Duration after) {
  Kill(process);
  world_->loop.After(after, [this, &process] {
    if (!world_->network.Up(process.host)) Start(process);
  });
}

void SimCluster::Freeze(const std::string& host) {
  world_->network.Freeze(host);
  world_->loop.After(FaultTime(), [this, host] { world_->network.Thaw(host); });
}

void SimCluster::Isolate(const std::string& host, bool inwards, bool outwards) {
  std::vector<std::string> others = {kEtcdHost, kClientHost};
  for (const auto& process : processes_) others.push_back(process->host);
  for (const std::string& other : others) {
    if (other == host) continue;
    if (inwards) world_->network.Cut(other, host);
    if (outwards) world_->network.Cut(host, other);
  }
  world_->loop.After(FaultTime(), [this] { world_->network.MendAll(); });
}

void SimCluster::Drain(Process& process) {
  if (process.role == SimRole::kGateway || process.role == SimRole::kPlacement) return KillThenStart(process, FaultTime());
  process.draining = true;
  const auto left = [this, &process, starts = process.starts] {
    // Not from within the process that goes.
    world_->loop.After(absl::ZeroDuration(), [this, &process, starts] {
      if (process.starts == starts && world_->network.Up(process.host)) KillThenStart(process, absl::Milliseconds(300));
    });
  };
  if (process.attention != nullptr) process.attention->Drain(left);
  if (process.expert != nullptr) process.expert->Drain(left);
}

void SimCluster::DisturbEtcd() {
  world_->Tell("etcd is away");
  world_->network.Freeze(kEtcdHost);
  world_->loop.After(FaultTime() * 2, [this] {
    world_->network.Thaw(kEtcdHost);
    if (world_->loop.Chance(50)) etcd_.Restart();
  });
}

bool SimCluster::Disturb() {
  EventLoop& loop = world_->loop;
  if (with_etcd_ && loop.Chance(8)) {
    DisturbEtcd();
    return false;
  }
  Process& victim = *processes_[static_cast<size_t>(loop.Pick(static_cast<int64_t>(processes_.size())))];
  if (!world_->network.Up(victim.host) || world_->network.Frozen(victim.host) || victim.draining) return false;
  Strike(victim);
  return victim.role == SimRole::kGateway;
}

void SimCluster::Strike(Process& victim) {
  const int64_t kind = world_->loop.Pick(100);
  const auto tell = [&](const char* what) { world_->Tell(absl::StrCat(what, " ", victim.host)); };
  if (kind < 35) {
    tell("kill");
    KillThenStart(victim, FaultTime());
  } else if (kind < 60) {
    tell("freeze");
    Freeze(victim.host);
  } else if (kind < 70) {
    tell("drain");
    Drain(victim);
  } else if (kind < 80) {
    tell("isolate");
    Isolate(victim.host, true, true);
  } else if (kind < 90) {
    tell("nothing reaches");
    Isolate(victim.host, true, false);
  } else {
    tell("nothing leaves");
    Isolate(victim.host, false, true);
  }
}

void SimCluster::Heal() {
  world_->Tell("heal");
  world_->network.MendAll();
  world_->network.Thaw(kEtcdHost);
  for (const auto& process : processes_) world_->network.Thaw(process->host);
  for (const auto& process : processes_) {
    if (!world_->network.Up(process->host)) Start(*process);
  }
}

bool SimCluster::Healthy() const { return WhyUnhealthy().empty(); }

std::string SimCluster::WhyUnhealthy() const {
  MapPtr newest;
  for (const auto& process : processes_) {
    if (!world_->network.Up(process->host)) return absl::StrCat(process->host, " is down");
    if (world_->network.Frozen(process->host)) return absl::StrCat(process->host, " is frozen");
    if (process->draining) return absl::StrCat(process->host, " drains");
    if (process->expert != nullptr && !process->expert->settled()) return absl::StrCat(process->host, " loads");
    if (process->attention != nullptr && !process->attention->ready()) return absl::StrCat(process->host, " misses experts");
    const MapPtr map = process->map();
    if (map != nullptr && (newest == nullptr || map->epoch() > newest->epoch())) newest = map;
  }
  if (newest == nullptr) return "nobody has a map";
  for (const auto& process : processes_) {
    if (process->gateway == nullptr && process->attention == nullptr) continue;
    const MapPtr map = process->map();
    if (map == nullptr || map->epoch() != newest->epoch()) return absl::StrCat(process->host, " has an old map");
  }
  return WhyMapIsShort(*newest);
}

std::string SimCluster::WhyMapIsShort(const v1::ClusterMap& map) const {
  std::set<std::string> ready;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> copies;  // By layer and expert.
  for (const v1::Worker& worker : map.workers()) {
    if (worker.ready()) ready.insert(worker.info().worker_id());
    for (const v1::ExpertRange& range : worker.experts()) {
      for (const uint32_t expert : range.experts()) ++copies[{range.layer(), expert}];
    }
  }
  for (const auto& process : processes_) {
    if (process->role == SimRole::kPlacement) continue;
    if (ready.count(absl::StrCat(process->host, "/", process->starts)) == 0) return absl::StrCat(process->host, " is not ready in the map");
  }
  if (map.workers_size() != static_cast<int>(processes_.size() - placements_.size())) return "the map has workers that are gone";
  for (uint32_t layer = kSimFirstMoeLayer; layer < kSimFirstMoeLayer + kSimMoeLayers; ++layer) {
    for (uint32_t expert = 0; expert < kSimExperts; ++expert) {
      const uint32_t held = copies[{layer, expert}];
      if (held < kReplicas) return absl::StrCat("expert ", expert, " of layer ", layer, " has ", held, " copies");
    }
  }
  return "";
}

void SimCluster::CheckNothingIsHeld() {
  for (const auto& process : processes_) {
    if (process->gateway != nullptr) process->gateway->CheckNothingIsHeld();
    if (process->attention != nullptr) process->attention->CheckNothingIsHeld();
  }
}

int64_t SimCluster::preemptions() const {
  int64_t count = 0;
  for (const auto& process : processes_) count += process->attention != nullptr ? process->attention->preemptions() : 0;
  return count;
}

int64_t SimCluster::rebalances() const {
  int64_t count = 0;
  for (const auto& process : processes_) count += process->placement != nullptr ? process->placement->rebalances() : 0;
  return count;
}

int64_t SimCluster::remote_fills() const {
  int64_t count = 0;
  for (const auto& process : processes_) count += process->attention != nullptr ? process->attention->remote_fills() : 0;
  return count;
}

int64_t SimCluster::copied_blocks() const {
  int64_t count = 0;
  for (const auto& process : processes_) count += process->attention != nullptr ? process->attention->copied_blocks() : 0;
  return count;
}

}  // namespace baleen
