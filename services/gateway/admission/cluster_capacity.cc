#include "services/gateway/admission/cluster_capacity.h"

#include <algorithm>

namespace baleen {
namespace {

constexpr int64_t kBlockTokens = 64;
constexpr double kOvercommit = 2;
constexpr uint64_t kMaxWorkerTokens = uint64_t{1} << 40;

}  // namespace

int64_t ClusterCapacity(const v1::ClusterMap& map, int64_t own) {
  double tokens = 0;
  double used = 0;
  int64_t gateways = 0;
  for (const v1::Worker& worker : map.workers()) {
    const v1::Role role = worker.info().role();
    if (role == v1::ROLE_GATEWAY) ++gateways;
    const bool decodes = role == v1::ROLE_DECODE || role == v1::ROLE_PREFILL_AND_DECODE;
    if (!decodes || !worker.ready() || worker.draining()) continue;
    const double capacity = static_cast<double>(std::min<uint64_t>(worker.info().kv_capacity_tokens(), kMaxWorkerTokens));
    tokens += capacity;
    used += capacity * std::clamp(static_cast<double>(worker.kv_usage()), 0.0, 1.0);
  }
  const double others = std::max(0.0, used - static_cast<double>(own));
  const double mine = std::max(tokens / static_cast<double>(std::max<int64_t>(gateways, 1)), tokens - others);
  return static_cast<int64_t>(std::min(mine * kOvercommit, static_cast<double>(kMaxWorkerTokens)));
}

int64_t PriceOf(int64_t prompt_tokens, int64_t max_tokens) {
  return (prompt_tokens + max_tokens + kBlockTokens - 1) / kBlockTokens * kBlockTokens;
}

}  // namespace baleen
