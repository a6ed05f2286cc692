#include "services/placement/probe.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <string>

namespace baleen {
namespace {

constexpr int kRoles = 5;
constexpr const char* kRoleNames[kRoles] = {"gateway", "prefill", "decode", "expert", "both"};

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

struct PlacementProbe::Metrics {
  explicit Metrics(prometheus::Registry& registry)
      : epoch(AddGauge(registry, "baleen_placement_epoch", "Version of the cluster map.")),
        mismatched(AddGauge(registry, "baleen_placement_mismatched_workers", "Workers whose model or numerics differ from the rest.")),
        pending(AddGauge(registry, "baleen_placement_pending_moves", "Expert copies to be loaded or let go, and a plan that is due.")),
        wanted(AddGauge(registry, "baleen_placement_wanted_shards", "Expert shards that an operator wants.")),
        imbalance(AddGauge(registry, "baleen_placement_imbalance", "Busiest shard over mean by measured load; 1 = even.")),
        refused(AddGauge(registry, "baleen_placement_refused_workers", "Workers refused because a tensor's digest disagrees.")) {
    auto& workers_family = prometheus::BuildGauge().Name("baleen_placement_workers").Help("Registered workers.").Register(registry);
    for (int role = 0; role < kRoles; ++role) {
      workers[role][0] = &workers_family.Add({{"role", kRoleNames[role]}, {"ready", "false"}});
      workers[role][1] = &workers_family.Add({{"role", kRoleNames[role]}, {"ready", "true"}});
    }
    auto& events = prometheus::BuildCounter().Name("baleen_placement_events_total").Help("What happened to workers.").Register(registry);
    registered = &events.Add({{"event", "registered"}});
    expired = &events.Add({{"event", "expired"}});
    deregistered = &events.Add({{"event", "deregistered"}});
    rebalanced = &events.Add({{"event", "rebalanced"}});
    digest_refused = &events.Add({{"event", "digest_refused"}});
  }

  prometheus::Gauge& epoch;
  prometheus::Gauge& mismatched;
  prometheus::Gauge& pending;
  prometheus::Gauge& wanted;
  prometheus::Gauge& imbalance;
  prometheus::Gauge& refused;
  prometheus::Gauge* workers[kRoles][2];
  prometheus::Counter* registered;
  prometheus::Counter* expired;
  prometheus::Counter* deregistered;
  prometheus::Counter* digest_refused;
  prometheus::Counter* rebalanced;
};

PlacementProbe::PlacementProbe(prometheus::Registry& registry) : metrics_(std::make_unique<Metrics>(registry)) {}
PlacementProbe::~PlacementProbe() = default;

void PlacementProbe::Registered() { metrics_->registered->Increment(); }
void PlacementProbe::Expired() { metrics_->expired->Increment(); }
void PlacementProbe::Deregistered() { metrics_->deregistered->Increment(); }
void PlacementProbe::DigestRefused() { metrics_->digest_refused->Increment(); }

void PlacementProbe::Rebalanced() { metrics_->rebalanced->Increment(); }
void PlacementProbe::ObserveWantedShards(uint32_t shards) { metrics_->wanted.Set(shards); }
void PlacementProbe::ObserveImbalance(double imbalance) { metrics_->imbalance.Set(imbalance); }

void PlacementProbe::Observe(uint64_t epoch, const std::vector<MappedWorker>& workers, size_t mismatched, size_t pending) {
  int counts[kRoles][2] = {};
  int refused = 0;
  for (const MappedWorker& worker : workers) {
    ++counts[static_cast<int>(worker.description.role)][worker.ready ? 1 : 0];
    if (!worker.refused.ok()) ++refused;
  }
  for (int role = 0; role < kRoles; ++role) {
    for (int ready = 0; ready < 2; ++ready) metrics_->workers[role][ready]->Set(counts[role][ready]);
  }
  metrics_->epoch.Set(static_cast<double>(epoch));
  metrics_->mismatched.Set(static_cast<double>(mismatched));
  metrics_->pending.Set(static_cast<double>(pending));
  metrics_->refused.Set(refused);
}

}  // namespace baleen
