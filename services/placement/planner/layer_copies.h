// Where the copies of one layer's experts are while a plan is being made.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_LAYER_COPIES_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_LAYER_COPIES_H_

#include <cstdint>
#include <vector>

namespace baleen {

struct LayerSpec {
  std::vector<double> loads;      // [experts]: rows routed lately.
  std::vector<uint32_t> domains;  // By shard: its failure domain, numbered from 0.
  uint32_t replicas = 1;          // Copies of each expert; at most the number of shards.
  uint32_t extra_slots = 0;       // Room of a shard beyond its even part of the replicas, for hot experts.
};

// Not thread-safe. "Safe" is an expert with its replicas on shards in as many domains as there are: no domain counts for more than
// its even part of them.
class LayerCopies {
 public:
  explicit LayerCopies(const LayerSpec& spec);

  uint32_t experts() const { return static_cast<uint32_t>(spec_.loads.size()); }
  uint32_t shards() const { return static_cast<uint32_t>(spec_.domains.size()); }
  uint32_t domain(uint32_t shard) const { return spec_.domains[shard]; }
  uint32_t domains() const { return domain_count_; }

  // Experts that a shard holds at most, for every expert to be safe...
  uint32_t max_slots() const { return max_slots_; }
  // ... and up to how many it is filled with copies of hot experts.
  uint32_t filled_slots() const { return filled_slots_; }

  bool Holds(uint32_t shard, uint32_t expert) const { return held_[shard][expert]; }
  uint32_t Size(uint32_t shard) const { return static_cast<uint32_t>(experts_[shard].size()); }
  uint32_t Copies(uint32_t expert) const { return static_cast<uint32_t>(holders_[expert].size()); }
  const std::vector<uint32_t>& Experts(uint32_t shard) const { return experts_[shard]; }    // Ascending.
  const std::vector<uint32_t>& Holders(uint32_t expert) const { return holders_[expert]; }  // Shards, ascending.
  // Adding what is held, or removing what is not, does nothing.
  void Add(uint32_t shard, uint32_t expert);
  void Remove(uint32_t shard, uint32_t expert);

  // Copies that the expert lacks to be safe.
  uint32_t Deficit(uint32_t expert) const;
  // The copy is held and its loss would leave the deficit as it is.
  bool IsSpare(uint32_t shard, uint32_t expert) const;
  // A copy there, where there is none, would lessen the deficit.
  bool Helps(uint32_t shard, uint32_t expert) const;
  // Moving the copy keeps the deficit from growing.
  bool MayMove(uint32_t expert, uint32_t from, uint32_t to) const;

  // The expert's load on each of its holders: rows spread evenly over copies.
  double Share(uint32_t expert) const { return shares_[expert]; }
  double Load(uint32_t shard) const { return shard_loads_[shard]; }
  double MaxLoad() const;

 private:
  // Around a change of an expert's holders: its load leaves them, and is spread over the new ones.
  void LiftLoads(uint32_t expert);
  void SpreadLoads(uint32_t expert);

  const LayerSpec spec_;
  uint32_t domain_count_ = 0;
  uint32_t domain_share_ = 1;  // Copies of an expert that count in one domain.
  uint32_t max_slots_ = 0;
  uint32_t filled_slots_ = 0;
  std::vector<std::vector<char>> held_;           // [shards][experts]
  std::vector<std::vector<uint32_t>> in_domain_;  // [experts][domains]: copies.
  std::vector<uint32_t> safe_;                    // [experts]: copies that count.
  std::vector<std::vector<uint32_t>> experts_;    // [shards]
  std::vector<std::vector<uint32_t>> holders_;    // [experts]
  std::vector<double> shares_;                    // [experts]
  std::vector<double> shard_loads_;               // [shards]
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_LAYER_COPIES_H_
