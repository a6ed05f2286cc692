#include "services/attention/scheduler/attempt_table.h"

#include "absl/strings/str_cat.h"

namespace baleen {

absl::StatusOr<uint64_t> AttemptTable::Check(const std::string& key, uint32_t attempt) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return 0;
  const Entry& entry = it->second;
  if (attempt < entry.attempt) {
    return absl::AbortedError(
        absl::StrCat("attempt ", attempt, " is older than attempt ", entry.attempt, " of the same request"));
  }
  if (attempt == entry.attempt && entry.live != 0) {
    return absl::AlreadyExistsError(absl::StrCat("attempt ", attempt, " of this request is already running"));
  }
  return entry.live;
}

void AttemptTable::Start(const std::string& key, uint32_t attempt, uint64_t id) { entries_[key] = {attempt, id}; }

void AttemptTable::End(const std::string& key, uint64_t id) {
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.live != id) return;
  it->second.live = 0;
  ended_.push_back(key);
  while (ended_.size() > max_ended_) {
    const auto oldest = entries_.find(ended_.front());
    if (oldest != entries_.end() && oldest->second.live == 0) entries_.erase(oldest);
    ended_.pop_front();
  }
}

}  // namespace baleen
