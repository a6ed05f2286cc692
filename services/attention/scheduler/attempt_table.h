// The newest attempt of each request this worker has seen, so that a late older one is refused.
#ifndef BALEEN_SERVICES_ATTENTION_SCHEDULER_ATTEMPT_TABLE_H_
#define BALEEN_SERVICES_ATTENTION_SCHEDULER_ATTEMPT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace baleen {

// Bounded: of attempts that ended, the oldest are forgotten first. Thread-compatible.
class AttemptTable {
 public:
  explicit AttemptTable(size_t max_ended) : max_ended_(max_ended) {}

  // OK with the id of a live older attempt that this one supersedes, or 0. ABORTED for an older attempt than the newest seen,
  // ALREADY_EXISTS for the live one. Changes nothing.
  absl::StatusOr<uint64_t> Check(const std::string& key, uint32_t attempt) const;
  // Makes `id` the key's live attempt. Check said OK.
  void Start(const std::string& key, uint32_t attempt, uint64_t id);
  // `id` is no longer live. Ignored unless it is the key's live attempt.
  void End(const std::string& key, uint64_t id);

 private:
  struct Entry {
    uint32_t attempt = 0;
    uint64_t live = 0;
  };
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> ended_;
  size_t max_ended_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_SCHEDULER_ATTEMPT_TABLE_H_
