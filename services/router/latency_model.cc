#include "services/router/latency_model.h"

#include <algorithm>
#include <bit>

namespace baleen {

size_t LatencyModel::ClassOf(int64_t slots) {
  return std::min<size_t>(static_cast<size_t>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(slots, 1)))) - 1, kClasses - 1);
}

void LatencyModel::Observe(int64_t slots, absl::Duration took) {
  took = std::clamp(took, absl::ZeroDuration(), 2 * OverdueAfter(slots));
  Estimate& estimate = classes_[ClassOf(slots)];
  if (!estimate.known) {
    estimate = {took, took / 2, true};
    return;
  }
  estimate.deviation += (absl::AbsDuration(took - estimate.mean) - estimate.deviation) / 4;
  estimate.mean += (took - estimate.mean) / 8;
}

absl::Duration LatencyModel::OverdueAfter(int64_t slots) const {
  const size_t wanted = ClassOf(slots);
  for (size_t distance = 0; distance <= wanted; ++distance) {
    const Estimate& estimate = classes_[wanted - distance];
    if (estimate.known) return std::max(floor_, (estimate.mean + 4 * estimate.deviation) * static_cast<int64_t>(uint64_t{1} << distance));
  }
  return std::max(floor_, unknown_);
}

}  // namespace baleen
