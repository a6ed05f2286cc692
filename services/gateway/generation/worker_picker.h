// Which decode worker takes a sequence.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_WORKER_PICKER_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_WORKER_PICKER_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/common/standby.h"
#include "services/gateway/generation/open_sequences.h"
#include "services/gateway/generation/prefix_affinity.h"

namespace baleen {

struct PickedWorker {
  std::string worker_id;
  std::string address;
  std::string numerics_id;
  std::shared_ptr<const void> open;  // The worker counts as having the sequence until the last copy of this has gone.
};

// A sequence by its tokens, and by whose cache they are in.
struct SequencePrefix {
  absl::string_view salt = {};
  absl::Span<const int32_t> tokens = {};
};

// Thread-safe.
class WorkerPicker {
 public:
  // How long a worker is taken to keep what it was sent, and of how many blocks that is remembered.
  static constexpr absl::Duration kMaxPrefixAge = absl::Minutes(10);
  static constexpr size_t kMaxPrefixBlocks = 1 << 18;

  explicit WorkerPicker(Clock* clock = Clock::Real())
      : clock_(clock), affinity_(kMaxPrefixBlocks, kMaxPrefixAge), none_ready_since_(clock->Now()) {}

  void UpdateMap(std::shared_ptr<const v1::ClusterMap> map);

  // The ready, not draining decode worker that would be done first: fewest tokens of `prefix` that it was not sent lately, and fewest
  // sequences (those that were picked here and are open, and those of other gateways by the map), each weighed as kSequenceTokens. Ties go
  // to the one that was not picked for longest, so that all caches fill. Workers in `avoid` only when no other is left; `numerics_id`
  // restricts unless empty. A sequence that goes on, by its key at the worker that it leaves, goes to its standby before all others.
  std::optional<PickedWorker> Pick(const std::set<std::string>& avoid, const std::string& numerics_id, const SequencePrefix& prefix = {},
                                   const StandbyKey* goes_on = nullptr);
  // The worker has these tokens in its cache.
  void Remember(const std::string& worker_id, const SequencePrefix& prefix);

  // Whether the newest map has the worker, ready or not.
  bool Lists(const std::string& worker_id) const;
  bool AnyReady() const;
  // Since when no decode worker has been ready, by the maps; InfiniteFuture while one is.
  absl::Time NoneReadySince() const;
  // Mean share of KV blocks in use over the ready decode workers, 0 to 1; 0 without any.
  double KvUsage() const;

 private:
  static constexpr int64_t kSequenceTokens = 256;

  struct Standing {
    int64_t sequences_of_others = 0;
    int64_t last_pick = 0;  // The how manieth it was.
  };

  Clock* const clock_;
  mutable std::mutex mutex_;
  PrefixAffinity affinity_;
  std::shared_ptr<const v1::ClusterMap> map_;
  OpenSequences open_;
  std::map<std::string, Standing> standings_;  // By worker of the map.
  int64_t picks_ = 0;
  absl::Time none_ready_since_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_WORKER_PICKER_H_
