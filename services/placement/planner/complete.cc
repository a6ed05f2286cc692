#include "services/placement/planner/complete.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <vector>

namespace baleen {
namespace {

constexpr int kPasses = 3;
constexpr uint32_t kNobody = std::numeric_limits<uint32_t>::max();

std::vector<uint32_t> ByLoad(const LayerCopies& copies) {
  std::vector<uint32_t> order(copies.experts());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return copies.Share(a) > copies.Share(b); });
  return order;
}

// The spare copy that carries least; kNobody when there is none.
uint32_t LightestSpare(const LayerCopies& copies, uint32_t shard) {
  uint32_t lightest = kNobody;
  for (const uint32_t expert : copies.Experts(shard)) {
    if (!copies.IsSpare(shard, expert)) continue;
    if (lightest == kNobody || copies.Share(expert) < copies.Share(lightest)) lightest = expert;
  }
  return lightest;
}

bool HasRoom(const LayerCopies& copies, uint32_t shard) {
  return copies.Size(shard) < copies.max_slots() || LightestSpare(copies, shard) != kNobody;
}

void MakeRoom(LayerCopies& copies, uint32_t shard) {
  if (copies.Size(shard) >= copies.max_slots()) copies.Remove(shard, LightestSpare(copies, shard));
}

// Spare copies first, then those whose leaving evens the loads out.
void Trim(LayerCopies& copies, uint32_t shard) {
  while (copies.Size(shard) > copies.max_slots()) {
    uint32_t victim = LightestSpare(copies, shard);
    if (victim == kNobody) {
      const double excess = copies.Load(shard) - copies.Load(shard) * copies.max_slots() / copies.Size(shard);
      double best = std::numeric_limits<double>::infinity();
      for (const uint32_t expert : copies.Experts(shard)) {
        const double miss = std::abs(copies.Share(expert) - excess);
        if (miss < best) std::tie(best, victim) = std::tuple(miss, expert);
      }
    }
    copies.Remove(shard, victim);
  }
}

bool PlaceDirectly(LayerCopies& copies, uint32_t expert) {
  std::optional<std::tuple<bool, double, uint32_t>> best;  // Full, load, shard.
  for (uint32_t shard = 0; shard < copies.shards(); ++shard) {
    if (!copies.Helps(shard, expert) || !HasRoom(copies, shard)) continue;
    const std::tuple candidate{copies.Size(shard) >= copies.max_slots(), copies.Load(shard), shard};
    if (!best || candidate < *best) best = candidate;
  }
  if (!best) return false;
  const uint32_t shard = std::get<2>(*best);
  MakeRoom(copies, shard);
  copies.Add(shard, expert);
  return true;
}

// A shard on the way to room: `expert` leaves `from` for it. First shards have from = kNobody.
struct Step {
  uint32_t from = kNobody;
  uint32_t expert = kNobody;
  bool seen = false;
};

bool OnPath(const std::vector<Step>& steps, uint32_t shard, uint32_t expert) {
  for (; shard != kNobody; shard = steps[shard].from) {
    if (steps[shard].expert == expert) return true;
  }
  return false;
}

// Breadth first over shards, from those where the expert would help to one with room; kNobody when none is reached.
uint32_t FindRoom(const LayerCopies& copies, uint32_t expert, std::vector<Step>& steps) {
  std::deque<uint32_t> queue;
  for (uint32_t shard = 0; shard < copies.shards(); ++shard) {
    if (!copies.Helps(shard, expert)) continue;
    steps[shard] = {kNobody, expert, true};
    queue.push_back(shard);
  }
  while (!queue.empty()) {
    const uint32_t shard = queue.front();
    queue.pop_front();
    if (HasRoom(copies, shard)) return shard;
    for (uint32_t to = 0; to < copies.shards(); ++to) {
      if (steps[to].seen) continue;
      for (const uint32_t other : copies.Experts(shard)) {
        // Each expert moves at most once on a path, so what holds for one move holds for all.
        if (!copies.MayMove(other, shard, to) || OnPath(steps, shard, other)) continue;
        steps[to] = {shard, other, true};
        queue.push_back(to);
        break;
      }
    }
  }
  return kNobody;
}

bool PlaceByMoving(LayerCopies& copies, uint32_t expert) {
  std::vector<Step> steps(copies.shards());
  uint32_t shard = FindRoom(copies, expert, steps);
  if (shard == kNobody) return false;
  MakeRoom(copies, shard);
  for (; shard != kNobody; shard = steps[shard].from) {
    copies.Add(shard, steps[shard].expert);
    if (steps[shard].from != kNobody) copies.Remove(steps[shard].from, steps[shard].expert);
  }
  return true;
}

// The least loaded shard that has room and lacks the expert; kNobody when there is none.
uint32_t RoomFor(const LayerCopies& copies, uint32_t expert) {
  uint32_t best = kNobody;
  for (uint32_t shard = 0; shard < copies.shards(); ++shard) {
    if (copies.Size(shard) >= copies.filled_slots() || copies.Holds(shard, expert)) continue;
    if (best == kNobody || copies.Load(shard) < copies.Load(best)) best = shard;
  }
  return best;
}

// Copies of the hottest experts, each where the least load is, until shards are filled.
void Fill(LayerCopies& copies) {
  std::vector<char> everywhere(copies.experts());  // Or where there is no room: that only grows.
  while (true) {
    uint32_t hottest = kNobody;
    for (uint32_t expert = 0; expert < copies.experts(); ++expert) {
      if (!everywhere[expert] && (hottest == kNobody || copies.Share(expert) > copies.Share(hottest))) hottest = expert;
    }
    if (hottest == kNobody) return;
    const uint32_t shard = RoomFor(copies, hottest);
    if (shard == kNobody) {
      everywhere[hottest] = 1;
    } else {
      copies.Add(shard, hottest);
    }
  }
}

}  // namespace

void Complete(LayerCopies& copies) {
  for (uint32_t shard = 0; shard < copies.shards(); ++shard) Trim(copies, shard);
  // A spare copy that made room may have been one that a chain counted on: then a further pass replaces it.
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const uint32_t expert : ByLoad(copies)) {
      while (copies.Deficit(expert) > 0 && (PlaceDirectly(copies, expert) || PlaceByMoving(copies, expert))) {
      }
    }
  }
  Fill(copies);
}

}  // namespace baleen
