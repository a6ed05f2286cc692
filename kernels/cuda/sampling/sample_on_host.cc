#include <algorithm>
#include <vector>

#include "kernels/cuda/sampling/mass.h"
#include "kernels/cuda/sampling/sampling.h"

namespace baleen::cuda {
namespace {

struct Candidate {
  uint64_t rank;
  float weight;
};

uint64_t MassOfAll(const std::vector<Candidate>& candidates) {
  uint64_t total = 0;
  for (const Candidate& candidate : candidates) total += MassOf(candidate.weight);
  return total;
}

// The first candidate with which the running sum reaches `mass`.
size_t Reaching(const std::vector<Candidate>& candidates, uint64_t mass) {
  uint64_t sum = 0;
  size_t i = 0;
  for (; i + 1 < candidates.size(); ++i) {
    sum += MassOf(candidates[i].weight);
    if (sum >= mass) break;
  }
  return i;
}

}  // namespace

int32_t SampleOnHost(const RowSampling& sampling, const float* logits, int64_t vocabulary, const uint32_t* allowed) {
  std::vector<Candidate> candidates;
  uint64_t best = 0;
  for (uint32_t id = 0; id < vocabulary; ++id) {
    if (allowed != nullptr && (allowed[id / 32] >> id % 32 & 1u) == 0) continue;
    candidates.push_back({RankByLikelihood(CleanLogit(logits[id]), id), 0});
    best = std::max(best, candidates.back().rank);
  }
  if (candidates.empty()) return -1;
  if (!(sampling.temperature > 0)) return static_cast<int32_t>(IdOfRank(best));
  const float top = CleanLogit(logits[IdOfRank(best)]);
  for (Candidate& candidate : candidates) {
    candidate.weight = WeightOf(CleanLogit(logits[IdOfRank(candidate.rank)]), top, sampling.temperature);
  }
  const bool by_rank = sampling.top_p < 1 || (sampling.top_k > 0 && static_cast<size_t>(sampling.top_k) < candidates.size());
  if (by_rank) std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.rank > b.rank; });
  if (sampling.top_k > 0 && static_cast<size_t>(sampling.top_k) < candidates.size()) candidates.resize(static_cast<size_t>(sampling.top_k));
  if (sampling.min_p > 0)
    std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.weight < std::min(sampling.min_p, 1.0f); });
  if (sampling.top_p < 1) candidates.resize(Reaching(candidates, MassReaching(sampling.top_p, MassOfAll(candidates))) + 1);
  const size_t chosen = Reaching(candidates, MassBeyond(sampling.uniform, MassOfAll(candidates)));
  return static_cast<int32_t>(IdOfRank(candidates[chosen].rank));
}

}  // namespace baleen::cuda
