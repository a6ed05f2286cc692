// Who holds which expert, as one cluster map says.
#ifndef BALEEN_SERVICES_ROUTER_REPLICA_TABLE_H_
#define BALEEN_SERVICES_ROUTER_REPLICA_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

struct ShardInfo {
  std::string worker_id;
  std::string address;
  bool draining = false;
};

// Immutable. Shards are expert workers of one numerics id, in the order of their ids; indices count from 0.
class ReplicaTable {
 public:
  ReplicaTable() = default;
  // Layers and experts beyond what a model can have (kMaxLayers, kMaxExperts) are left out: the map comes from the wire.
  ReplicaTable(const v1::ClusterMap& map, const std::string& numerics_id);

  const std::vector<ShardInfo>& shards() const { return shards_; }
  // Indices into shards(), ascending.
  const std::vector<int>& Holders(int layer, int expert) const;

  static constexpr uint32_t kMaxLayers = 4096;
  static constexpr uint32_t kMaxExperts = 65536;

 private:
  std::vector<ShardInfo> shards_;
  std::map<int, std::vector<std::vector<int>>> holders_;  // By layer, then expert.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_REPLICA_TABLE_H_
