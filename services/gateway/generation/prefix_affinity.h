// Which decode worker probably still has a prompt's beginning in its prefix cache.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_PREFIX_AFFINITY_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_PREFIX_AFFINITY_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace baleen {

// A guess from what was sent where; a wrong one costs time and no token. Bounded in entries and in age. Thread-compatible.
class PrefixAffinity {
 public:
  // Of blocks that a worker was sent longest ago, those beyond `max_entries` are forgotten, and all older than `max_age`.
  PrefixAffinity(size_t max_entries, absl::Duration max_age) : max_entries_(max_entries), max_age_(max_age) {}

  // Names of the full blocks of `tokens`, each of the whole prefix up to its end.
  static std::vector<uint64_t> NameBlocks(absl::string_view salt, absl::Span<const int32_t> tokens);

  // How many of the leading tokens the worker was sent lately.
  int64_t CachedTokens(absl::string_view worker_id, absl::Span<const uint64_t> names, absl::Time now) const;
  // The worker has, or is about to have, these blocks.
  void Remember(absl::string_view worker_id, absl::Span<const uint64_t> names, absl::Time now);

 private:
  struct Entry {
    absl::Time at;
    std::list<uint64_t>::iterator place;
  };
  const size_t max_entries_;
  const absl::Duration max_age_;
  std::list<uint64_t> by_age_;  // The one remembered longest ago first.
  std::unordered_map<uint64_t, Entry> entries_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_PREFIX_AFFINITY_H_
