#include "services/common/standby.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/common/decode_workers.h"

namespace baleen {
namespace {

using Rank = std::array<uint8_t, 32>;

// SHA-256: equal in all processes and builds.
Rank RankOf(const StandbyKey& key, absl::string_view candidate) {
  const std::string bytes = absl::StrCat(key.request_id, "/", key.choice, "/", candidate);
  Rank rank;
  // Over memory it can only fail when OpenSSL itself is broken.
  if (EVP_Digest(bytes.data(), bytes.size(), rank.data(), nullptr, EVP_sha256(), nullptr) != 1) std::abort();
  return rank;
}

}  // namespace

const v1::Worker* StandbyOf(const v1::ClusterMap& map, const StandbyKey& key) {
  const v1::Worker* best = nullptr;
  Rank best_rank;
  for (const v1::Worker& worker : map.workers()) {
    const v1::WorkerInfo& info = worker.info();
    if (!TakesSequences(worker) || info.numerics_id() != key.numerics_id || info.worker_id() == key.worker_id) continue;
    const Rank rank = RankOf(key, info.worker_id());
    if (best != nullptr && rank <= best_rank) continue;
    best = &worker;
    best_rank = rank;
  }
  return best;
}

}  // namespace baleen
