// Which prefill worker fills the next prompt.
#ifndef BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_PICKER_H_
#define BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_PICKER_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

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
  // Only workers with this model and these numerics are taken, never `self`.
  PrefillPicker(std::string self, std::string model_id, std::string numerics_id);

  void Update(const v1::ClusterMap& map);
  bool Any() const;
  // The ready worker with the fewest tokens of ours under way (ties: the one not picked for longest), without those in `tried`. Its tokens
  // count until Done.
  std::optional<PrefillWorker> Pick(const std::set<std::string>& tried, int64_t tokens);
  void Done(const std::string& worker_id, int64_t tokens);

 private:
  struct Candidate {
    std::string address;
    int64_t tokens = 0;
    uint64_t last_pick = 0;
  };

  const std::string self_;
  const std::string model_id_;
  const std::string numerics_id_;
  mutable std::mutex mu_;
  uint64_t picks_ = 0;
  std::map<std::string, Candidate> candidates_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_PICKER_H_
