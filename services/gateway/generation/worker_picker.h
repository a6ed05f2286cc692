// Which decode worker takes a sequence.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_WORKER_PICKER_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_WORKER_PICKER_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

struct PickedWorker {
  std::string worker_id;
  std::string address;
  std::string numerics_id;
};

// Thread-safe.
class WorkerPicker {
 public:
  void UpdateMap(std::shared_ptr<const v1::ClusterMap> map);

  // The ready, not draining decode worker with the fewest sequences (by the map, and by what was picked since it came); ties go to the
  // lowest id. Workers in `avoid` only when no other is left; `numerics_id` restricts unless empty.
  std::optional<PickedWorker> Pick(const std::set<std::string>& avoid, const std::string& numerics_id);

  bool AnyReady() const;
  // Mean share of KV blocks in use over the ready decode workers, 0 to 1; 0 without any.
  double KvUsage() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const v1::ClusterMap> map_;
  std::map<std::string, uint32_t> picked_since_map_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_WORKER_PICKER_H_
