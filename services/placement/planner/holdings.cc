#include "services/placement/planner/holdings.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace baleen {
namespace {

const std::vector<uint32_t> kNone;

const std::vector<uint32_t>& ExpertsOf(const Holdings& holdings, uint32_t layer) {
  const auto it = std::lower_bound(holdings.begin(), holdings.end(), layer,
                                   [](const LayerExperts& entry, uint32_t wanted) { return entry.layer < wanted; });
  return it == holdings.end() || it->layer != layer ? kNone : it->experts;
}

// Layer by layer of both, in order.
template <typename SetOperation>
Holdings Combine(const Holdings& a, const Holdings& b, SetOperation operation) {
  Holdings out;
  for (auto i = a.begin(), j = b.begin(); i != a.end() || j != b.end();) {
    const bool in_a = i != a.end() && (j == b.end() || i->layer <= j->layer);
    const bool in_b = j != b.end() && (i == a.end() || j->layer <= i->layer);
    LayerExperts layer{in_a ? i->layer : j->layer, {}};
    const std::vector<uint32_t>& left = in_a ? i->experts : kNone;
    const std::vector<uint32_t>& right = in_b ? j->experts : kNone;
    operation(left, right, std::back_inserter(layer.experts));
    if (!layer.experts.empty()) out.push_back(std::move(layer));
    i += in_a ? 1 : 0;
    j += in_b ? 1 : 0;
  }
  return out;
}

}  // namespace

size_t CountExperts(const Holdings& holdings) {
  size_t count = 0;
  for (const LayerExperts& layer : holdings) count += layer.experts.size();
  return count;
}

bool Holds(const Holdings& holdings, uint32_t layer, uint32_t expert) {
  const std::vector<uint32_t>& experts = ExpertsOf(holdings, layer);
  return std::binary_search(experts.begin(), experts.end(), expert);
}

Holdings Union(const Holdings& a, const Holdings& b) {
  return Combine(a, b, [](const auto& x, const auto& y, auto out) { std::set_union(x.begin(), x.end(), y.begin(), y.end(), out); });
}

Holdings Intersection(const Holdings& a, const Holdings& b) {
  return Combine(a, b, [](const auto& x, const auto& y, auto out) { std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), out); });
}

Holdings Difference(const Holdings& a, const Holdings& b) {
  return Combine(a, b, [](const auto& x, const auto& y, auto out) { std::set_difference(x.begin(), x.end(), y.begin(), y.end(), out); });
}

Holdings First(const Holdings& holdings, size_t count) {
  Holdings out;
  for (const LayerExperts& layer : holdings) {
    if (count == 0) break;
    const size_t taken = std::min(count, layer.experts.size());
    out.push_back({layer.layer, {layer.experts.begin(), layer.experts.begin() + static_cast<ptrdiff_t>(taken)}});
    count -= taken;
  }
  return out;
}

}  // namespace baleen
