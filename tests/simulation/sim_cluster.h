// A whole cluster in simulated time, drawn from a seed: its processes, its faults, its load.
#ifndef BALEEN_TESTS_SIMULATION_SIM_CLUSTER_H_
#define BALEEN_TESTS_SIMULATION_SIM_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/attention_node.h"
#include "tests/simulation/expert_node.h"
#include "tests/simulation/fake_etcd.h"
#include "tests/simulation/gateway_node.h"
#include "tests/simulation/placement_node.h"
#include "tests/simulation/world.h"

namespace baleen {

enum class SimRole { kGateway, kDecode, kPrefill, kExpert, kPlacement };

// Two gateways, two or three decode workers, one or two prefill workers, three or four shards with two copies of each expert, and one
// placement or two with etcd.
class SimCluster {
 public:
  SimCluster(World* world, const std::vector<SimRequest>* requests);

  std::vector<std::string> gateways() const;

  // One fault, drawn. Nothing happens to what is in trouble already. Whether it struck a gateway.
  bool Disturb();
  // Ends every fault that has not ended by itself, for good.
  void Heal();
  // Everything is up, every expert is held twice, and everybody has the same map.
  bool Healthy() const;
  std::string WhyUnhealthy() const;
  void CheckNothingIsHeld();
  int64_t preemptions() const;
  int64_t rebalances() const;
  int64_t remote_fills() const;
  int64_t copied_blocks() const;

 private:
  struct Process {
    SimRole role = SimRole::kGateway;
    std::string host;
    int starts = 0;
    bool draining = false;
    std::unique_ptr<GatewayNode> gateway;
    std::unique_ptr<AttentionNode> attention;
    std::unique_ptr<ExpertNode> expert;
    std::unique_ptr<PlacementNode> placement;

    MapPtr map() const { return gateway != nullptr ? gateway->map() : attention != nullptr ? attention->map() : nullptr; }
  };

  void Add(SimRole role, int count, const char* name);
  void Start(Process& process);
  void Kill(Process& process);
  void KillThenStart(Process& process, absl::Duration after);
  void Freeze(const std::string& host);
  void Isolate(const std::string& host, bool inwards, bool outwards);
  void Drain(Process& process);
  void DisturbEtcd();
  void Strike(Process& victim);
  absl::Duration FaultTime() { return world_->loop.Between(absl::Milliseconds(200), absl::Seconds(5)); }
  std::string WhyMapIsShort(const v1::ClusterMap& map) const;

  World* const world_;
  const std::vector<SimRequest>* const requests_;
  FakeEtcd etcd_;
  EpochLedger epochs_;
  bool with_etcd_ = false;
  bool healing_ = false;
  int64_t kv_blocks_ = 0;
  uint32_t extra_slots_ = 0;
  int64_t wrong_every_ = 0;
  std::vector<std::string> placements_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<Process>> graveyard_;  // What died may still be referred to by what it left on its way.
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_SIM_CLUSTER_H_
