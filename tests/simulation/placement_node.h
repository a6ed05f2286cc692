// A placement process: the real cluster state and election over simulated etcd, clock and network.
#ifndef BALEEN_TESTS_SIMULATION_PLACEMENT_NODE_H_
#define BALEEN_TESTS_SIMULATION_PLACEMENT_NODE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "services/placement/cluster.h"
#include "services/placement/etcd/election.h"
#include "tests/simulation/fake_etcd.h"
#include "tests/simulation/world.h"

namespace baleen {

constexpr char kPlacementCall[] = "placement";
constexpr char kMapWatch[] = "placement/watch";
constexpr char kEtcdHost[] = "etcd";

// Epochs must be unique among leaders and grow with every change of leadership.
struct EpochLedger {
  uint64_t newest = 0;
  std::string publisher;  // Of the newest.
};

class PlacementNode {
 public:
  // Boots the host. Without `etcd` it is the only placement. All pointers outlive this.
  PlacementNode(World* world, std::string host, ClusterOptions options, FakeEtcd* etcd, EpochLedger* ledger);

  // Since it started.
  int64_t rebalances() const { return rebalances_; }

 private:
  absl::Status Leads() const;
  std::any Answer(const std::any& request);
  PipeHandlers AcceptWatch(std::shared_ptr<Pipe> pipe);
  EtcdReach ReachEtcd() const;
  void Note(const v1::ClusterMap& map);
  void Tick();

  World* const world_;
  const std::string host_;
  Cluster cluster_;
  EpochLedger* const ledger_;
  std::unique_ptr<EtcdStore> etcd_;
  std::unique_ptr<Election> election_;
  bool fresh_ = false;  // Elected, and nothing published since.
  int ticks_ = 0;
  int64_t rebalances_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_PLACEMENT_NODE_H_
