#include "services/attention/decode/successor.h"

#include <algorithm>

#include "proto/baleen/v1/placement.pb.h"
#include "services/common/decode_workers.h"

namespace baleen {

bool HasSuccessor(const v1::ClusterMap& map, const std::string& leaving, const std::string& numerics_id) {
  return std::any_of(map.workers().begin(), map.workers().end(),
                     [&](const v1::Worker& worker) { return TakesOver(worker, leaving, numerics_id); });
}

}  // namespace baleen
