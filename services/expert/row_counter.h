// How often each expert of this shard is asked for.
#ifndef BALEEN_SERVICES_EXPERT_ROW_COUNTER_H_
#define BALEEN_SERVICES_EXPERT_ROW_COUNTER_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "absl/types/span.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

// Thread-safe. Counts from the start of the process, so that a lost heartbeat loses nothing.
class RowCounter {
 public:
  // One row for each id. The caller has checked that the model has the layer and the experts.
  void Count(int layer, absl::Span<const uint32_t> expert_ids);
  // Adds all counts above 0.
  void Report(v1::HeartbeatRequest* heartbeat) const;

 private:
  mutable std::mutex mu_;
  std::map<int, std::vector<uint64_t>> rows_;  // By layer: [experts], as long as the highest expert seen.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_ROW_COUNTER_H_
