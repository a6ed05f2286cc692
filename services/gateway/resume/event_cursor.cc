#include "services/gateway/resume/event_cursor.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/gateway/api/fields.h"

namespace baleen {
namespace {

// Above any answer's last one.
constexpr int64_t kMaxEvents = int64_t{1} << 40;

absl::Status NoEvent() { return absl::InvalidArgumentError("Last-Event-ID is not the id of an event of this request."); }

}  // namespace

absl::StatusOr<EventCounts> ParseEventId(absl::string_view text) {
  EventCounts counts;
  if (text.empty()) return counts;
  for (const absl::string_view part : absl::StrSplit(text, absl::MaxSplits('.', kMaxChoices))) {
    int64_t count = 0;
    if (!absl::SimpleAtoi(part, &count) || count < 0 || count > kMaxEvents) return NoEvent();
    counts.push_back(count);
  }
  if (counts.size() == 1) ++counts[0];
  return counts;
}

absl::StatusOr<EventCursor> EventCursor::After(EventCounts had, size_t choices, int64_t most) {
  EventCursor cursor(choices);
  if (had.empty()) return cursor;
  if (had.size() != choices || *std::max_element(had.begin(), had.end()) > most) return NoEvent();
  cursor.had_ = std::move(had);
  return cursor;
}

std::string EventCursor::Next(size_t choice) { return ++counts_[choice] <= had_[choice] ? "" : Id(); }

bool EventCursor::begun() const {
  return std::any_of(had_.begin(), had_.end(), [](int64_t had) { return had > 0; });
}

absl::Status EventCursor::CheckEnd() const {
  const bool all_were = std::equal(had_.begin(), had_.end(), counts_.begin(), std::less_equal<int64_t>());
  return all_were ? absl::OkStatus() : NoEvent();
}

std::string EventCursor::Id() const {
  if (counts_.size() == 1) return absl::StrCat(std::max(counts_[0], had_[0]) - 1);
  EventCounts after(counts_.size());
  std::transform(counts_.begin(), counts_.end(), had_.begin(), after.begin(),
                 [](int64_t count, int64_t had) { return std::max(count, had); });
  return absl::StrJoin(after, ".");
}

}  // namespace baleen
