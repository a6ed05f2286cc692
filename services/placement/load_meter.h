// Which experts are asked for lately, as the shards that compute them count.
#ifndef BALEEN_SERVICES_PLACEMENT_LOAD_METER_H_
#define BALEEN_SERVICES_PLACEMENT_LOAD_METER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/placement/planner/plan.h"

namespace baleen {

// Rows of some experts of one layer, computed since the shard started.
struct LayerRows {
  uint32_t layer = 0;
  std::vector<uint32_t> experts;
  std::vector<uint64_t> rows;  // Beside experts.
};

// Sums rows over shards with a half-life. Not thread-safe.
class LoadMeter {
 public:
  explicit LoadMeter(absl::Duration half_life) : half_life_(half_life) {}

  // Forgets everything; counts from now on have this shape.
  void Reset(const ModelShape& shape);
  // Takes a shard's counters; what is outside the shape is ignored. The first are where counting begins: a shard that registers again
  // tells of its whole life.
  void Count(const std::string& shard, const std::vector<LayerRows>& rows);
  void Forget(const std::string& shard);
  void Decay(absl::Duration passed);

  // Of all layers, decayed.
  double total() const;
  // Rows that the newest report of each shard brought.
  double newest() const;
  const ExpertLoads& loads() const { return loads_; }

 private:
  const absl::Duration half_life_;
  ModelShape shape_;
  ExpertLoads loads_;
  std::map<std::string, std::vector<std::vector<uint64_t>>> counted_;  // By shard: [moe_layers][experts].
  std::map<std::string, double> newest_;                               // By shard.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_LOAD_METER_H_
