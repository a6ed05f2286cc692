#include "services/common/standby.h"

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/common/decode_workers.h"

namespace baleen {
namespace {

// Equal in all processes and builds.
Sha256Digest RankOf(const StandbyKey& key, absl::string_view candidate) {
  return Sha256(absl::StrCat(key.request_id, "/", key.choice, "/", candidate));
}

}  // namespace

const v1::Worker* StandbyOf(const v1::ClusterMap& map, const StandbyKey& key) {
  const v1::Worker* best = nullptr;
  Sha256Digest best_rank;
  for (const v1::Worker& worker : map.workers()) {
    if (!TakesOver(worker, key.worker_id, key.numerics_id)) continue;
    const Sha256Digest rank = RankOf(key, worker.info().worker_id());
    if (best != nullptr && rank <= best_rank) continue;
    best = &worker;
    best_rank = rank;
  }
  return best;
}

}  // namespace baleen
