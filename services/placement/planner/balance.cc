#include "services/placement/planner/balance.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace baleen {
namespace {

constexpr uint32_t kNothing = std::numeric_limits<uint32_t>::max();
// Gains below this part of the peak are not worth loading weights.
constexpr double kLeastGain = 1e-3;

// `expert` goes from the peak to `to` (or gets a copy there), `back` the other way (or is dropped there).
struct Step {
  uint32_t expert = kNothing;
  uint32_t to = 0;
  uint32_t back = kNothing;
  bool copy = false;
  double peak = 0;  // The larger of both loads afterwards.
};

class Search {
 public:
  explicit Search(LayerCopies& copies) : copies_(copies) {}

  // Whether the peak came down.
  bool Improve() {
    peak_ = 0;
    for (uint32_t shard = 1; shard < copies_.shards(); ++shard) {
      if (copies_.Load(shard) > copies_.Load(peak_)) peak_ = shard;
    }
    best_ = {};
    limit_ = copies_.Load(peak_) * (1 - kLeastGain);
    for (const uint32_t expert : copies_.Experts(peak_)) {
      for (uint32_t to = 0; to < copies_.shards(); ++to) {
        if (to != peak_ && !copies_.Holds(to, expert)) Consider(expert, to);
      }
    }
    if (best_.expert == kNothing) return false;
    Apply(best_);
    return true;
  }

 private:
  void Consider(uint32_t expert, uint32_t to) {
    const double share = copies_.Share(expert);
    const double from_load = copies_.Load(peak_), to_load = copies_.Load(to);
    const bool free = copies_.Size(to) < copies_.max_slots();
    const bool may_move = copies_.MayMove(expert, peak_, to);
    const double halved = share * copies_.Copies(expert) / (copies_.Copies(expert) + 1);
    if (free && may_move) Offer({expert, to, kNothing, false, std::max(from_load - share, to_load + share)});
    if (copies_.Size(to) < copies_.filled_slots()) {
      Offer({expert, to, kNothing, true, std::max(from_load - share + halved, to_load + halved)});
    }
    for (const uint32_t back : copies_.Experts(to)) {
      const double other = copies_.Share(back);
      if (may_move && other < share && copies_.MayMove(back, to, peak_)) {
        Offer({expert, to, back, false, std::max(from_load - share + other, to_load + share - other)});
      }
      // The dropped copy's rows go to its other holders; they must not become the new peak.
      if (copies_.IsSpare(to, back) && !copies_.Holds(peak_, back)) {
        Offer({expert, to, back, true, std::max(from_load - share + halved, to_load + halved - other)});
      }
    }
  }

  void Offer(const Step& step) {
    if (step.peak < limit_ && (best_.expert == kNothing || step.peak < best_.peak)) best_ = step;
  }

  void Apply(const Step& step) {
    if (step.back != kNothing) copies_.Remove(step.to, step.back);
    if (!step.copy) copies_.Remove(peak_, step.expert);
    copies_.Add(step.to, step.expert);
    if (step.back != kNothing && !step.copy) copies_.Add(peak_, step.back);
  }

  LayerCopies& copies_;
  uint32_t peak_ = 0;
  double limit_ = 0;
  Step best_;
};

}  // namespace

void Balance(LayerCopies& copies, double target) {
  Search search(copies);
  for (uint32_t step = 0; step < copies.experts(); ++step) {
    const double before = copies.MaxLoad();
    if (before <= target || !search.Improve() || copies.MaxLoad() > before) return;
  }
}

}  // namespace baleen
