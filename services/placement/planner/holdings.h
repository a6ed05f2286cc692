// Sets of experts by layer, and their algebra.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_HOLDINGS_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_HOLDINGS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace baleen {

// Experts of one layer, ascending and distinct.
struct LayerExperts {
  uint32_t layer = 0;
  std::vector<uint32_t> experts;

  friend bool operator==(const LayerExperts&, const LayerExperts&) = default;
};

// Layers ascending and distinct. What the functions below return lists no layer without experts.
using Holdings = std::vector<LayerExperts>;

// (Layer, expert) pairs.
size_t CountExperts(const Holdings& holdings);
bool Holds(const Holdings& holdings, uint32_t layer, uint32_t expert);
Holdings Union(const Holdings& a, const Holdings& b);
Holdings Intersection(const Holdings& a, const Holdings& b);
// What of `a` is not in `b`.
Holdings Difference(const Holdings& a, const Holdings& b);
// The first `count` (layer, expert) pairs, or all.
Holdings First(const Holdings& holdings, size_t count);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_HOLDINGS_H_
