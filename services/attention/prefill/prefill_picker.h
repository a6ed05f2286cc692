// Which prefill worker fills the next prompt.
#ifndef BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_PICKER_H_
#define BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_PICKER_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"

namespace baleen {

namespace v1 {
class ClusterMap;
}

struct PrefillWorker {
  std::string worker_id;
  std::string address;
};

// Thread-safe.
class PrefillPicker {
 public:
  static constexpr absl::Duration kAvoidTime = absl::Seconds(2);

  // Only workers with this model and these numerics are taken, never `self`.
  PrefillPicker(std::string self, std::string model_id, std::string numerics_id, Clock* clock);

  void Update(const v1::ClusterMap& map);
  bool Any() const;
  // Whether the newest map has the worker at all, ready or not.
  bool Listed(const std::string& worker_id) const;
  // The ready worker with the fewest tokens of ours under way (ties: the one not picked for longest), without those in `tried` and
  // those that failed within the last kAvoidTime. Its tokens count until Done.
  std::optional<PrefillWorker> Pick(const std::set<std::string>& tried, int64_t tokens);
  void Done(const std::string& worker_id, int64_t tokens);
  void Failed(const std::string& worker_id);

 private:
  struct Candidate {
    std::string address;
    int64_t tokens = 0;
    uint64_t last_pick = 0;
    absl::Time avoid_until = absl::InfinitePast();
  };

  const std::string self_;
  const std::string model_id_;
  const std::string numerics_id_;
  Clock* const clock_;
  mutable std::mutex mu_;
  uint64_t picks_ = 0;
  std::map<std::string, Candidate> candidates_;
  std::set<std::string> listed_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_PICKER_H_
