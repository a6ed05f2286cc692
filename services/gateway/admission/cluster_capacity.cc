#include "services/gateway/admission/cluster_capacity.h"

#include <algorithm>
#include <cmath>

#include "base/kv_block.h"
#include "services/common/decode_workers.h"

namespace baleen {
namespace {

constexpr double kOvercommit = 2;
constexpr uint64_t kMaxWorkerTokens = uint64_t{1} << 40;
constexpr uint32_t kMaxWorkerSequences = 1 << 20;  // Also of one that does not say.

// An amount of all workers, and what of it is in use.
struct Amount {
  double total = 0;
  double used = 0;

  // What is left by other gateways, when `own` of what is used is this one's.
  double Mine(int64_t own, int64_t gateways) const {
    const double others = std::max(0.0, used - static_cast<double>(own));
    return std::max(total / static_cast<double>(std::max<int64_t>(gateways, 1)), total - others);
  }
};

}  // namespace

AdmissionCapacity ClusterCapacity(const v1::ClusterMap& map, const AdmissionCapacity& own) {
  Amount tokens;
  Amount sequences;
  int64_t gateways = 0;
  for (const v1::Worker& worker : map.workers()) {
    if (worker.info().role() == v1::ROLE_GATEWAY) ++gateways;
    if (!TakesSequences(worker)) continue;
    const double capacity = static_cast<double>(std::min<uint64_t>(worker.info().kv_capacity_tokens(), kMaxWorkerTokens));
    tokens.total += capacity;
    tokens.used += capacity * std::clamp(static_cast<double>(worker.kv_usage()), 0.0, 1.0);
    const uint32_t said = worker.info().max_num_seqs();
    sequences.total += said == 0 ? kMaxWorkerSequences : std::min(said, kMaxWorkerSequences);
    sequences.used += static_cast<double>(worker.running()) + worker.waiting();
  }
  const double mine = std::min(tokens.Mine(own.tokens, gateways) * kOvercommit, static_cast<double>(kMaxWorkerTokens));
  return {static_cast<int64_t>(std::ceil(sequences.Mine(own.sequences, gateways))), static_cast<int64_t>(mine)};
}

int64_t PriceOf(int64_t prompt_tokens, int64_t max_tokens) {
  return (prompt_tokens + max_tokens + kKvBlockTokens - 1) / kKvBlockTokens * kKvBlockTokens;
}

}  // namespace baleen
