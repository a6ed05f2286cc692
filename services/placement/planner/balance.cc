#include "services/placement/planner/balance.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace baleen {
namespace {

constexpr uint32_t kNothing = std::numeric_limits<uint32_t>::max();
// Gains below this part of a load are not worth loading weights.
constexpr double kLeastGain = 1e-3;

// `expert` goes from the peak to `to`, `back` the other way.
struct Move {
  uint32_t expert = kNothing;
  uint32_t to = 0;
  uint32_t back = kNothing;
  double peak = 0;  // The larger of both loads afterwards.
};

// Takes load off the most loaded shard: the move, or the exchange, after which the larger of both loads is lowest.
class PeakMove {
 public:
  explicit PeakMove(LayerCopies& copies) : copies_(copies) {}

  // Whether there was one.
  bool Apply() {
    peak_ = 0;
    for (uint32_t shard = 1; shard < copies_.shards(); ++shard) {
      if (copies_.Load(shard) > copies_.Load(peak_)) peak_ = shard;
    }
    best_ = {.peak = copies_.Load(peak_) * (1 - kLeastGain)};
    for (uint32_t to = 0; to < copies_.shards(); ++to) {
      // What is moved between two shards leaves at least their mean on one of them.
      if (to == peak_ || (copies_.Load(peak_) + copies_.Load(to)) / 2 >= best_.peak) continue;
      for (const uint32_t expert : copies_.Experts(peak_)) Consider(expert, to);
    }
    if (best_.expert == kNothing) return false;
    copies_.Remove(peak_, best_.expert);
    if (best_.back != kNothing) {
      copies_.Remove(best_.to, best_.back);
      copies_.Add(peak_, best_.back);
    }
    copies_.Add(best_.to, best_.expert);
    return true;
  }

 private:
  void Consider(uint32_t expert, uint32_t to) {
    if (copies_.Size(to) < copies_.max_slots()) Offer(expert, to, kNothing, copies_.Share(expert));
    for (const uint32_t back : copies_.Experts(to)) Offer(expert, to, back, copies_.Share(expert) - copies_.Share(back));
  }

  // `moved` is the load that leaves the peak.
  void Offer(uint32_t expert, uint32_t to, uint32_t back, double moved) {
    const double peak = std::max(copies_.Load(peak_) - moved, copies_.Load(to) + moved);
    if (peak >= best_.peak || !copies_.MayMove(expert, peak_, to)) return;
    if (back == kNothing || copies_.MayMove(back, to, peak_)) best_ = {expert, to, back, peak};
  }

  LayerCopies& copies_;
  uint32_t peak_ = 0;
  Move best_;
};

// The expert with the largest share, among those that not all shards hold.
uint32_t Hottest(const LayerCopies& copies) {
  uint32_t hottest = kNothing;
  for (uint32_t expert = 0; expert < copies.experts(); ++expert) {
    if (copies.Copies(expert) == copies.shards()) continue;
    if (hottest == kNothing || copies.Share(expert) > copies.Share(hottest)) hottest = expert;
  }
  return hottest;
}

// Gives the hottest expert the place of a spare copy that is missed least. Whether there is one that is missed less than it gives.
bool CopyHottest(LayerCopies& copies) {
  const uint32_t hottest = Hottest(copies);
  if (hottest == kNothing) return false;
  double least = copies.Share(hottest) * (1 - kLeastGain);  // The largest share afterwards that is worth it.
  uint32_t place = kNothing, given_up = kNothing;
  for (uint32_t expert = 0; expert < copies.experts(); ++expert) {
    if (expert == hottest || copies.Copies(expert) < 2) continue;
    const double share = copies.Share(expert) * copies.Copies(expert) / (copies.Copies(expert) - 1);
    if (share > least) continue;
    for (const uint32_t shard : copies.Holders(expert)) {
      if (!copies.IsSpare(shard, expert) || copies.Holds(shard, hottest)) continue;
      if (place != kNothing && share == least && copies.Load(shard) >= copies.Load(place)) continue;
      least = share, place = shard, given_up = expert;
    }
  }
  if (place == kNothing) return false;
  copies.Remove(place, given_up);
  copies.Add(place, hottest);
  return true;
}

}  // namespace

bool Balance(LayerCopies& copies, double target) {
  bool balanced = false;
  // Neither undoes the other: copies make the largest shares smaller, moves the largest loads. Rounding is what the limit is for.
  for (uint32_t step = 0; step < 4 * copies.shards() * copies.max_slots() && copies.MaxLoad() > target; ++step) {
    // Whoever holds an expert whose share is above the target stays above it.
    const uint32_t hottest = Hottest(copies);
    const bool copied = hottest != kNothing && copies.Share(hottest) > target && CopyHottest(copies);
    if (!copied && !PeakMove(copies).Apply() && !CopyHottest(copies)) break;
    balanced = true;
  }
  return balanced;
}

}  // namespace baleen
