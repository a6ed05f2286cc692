// The numbers of a stream's events, by which a client says how far it has read.
#ifndef BALEEN_SERVICES_GATEWAY_RESUME_EVENT_CURSOR_H_
#define BALEEN_SERVICES_GATEWAY_RESUME_EVENT_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// What an event's id says. Choices run beside each other, so an id has a number for each: how many of its events there have been. The id
// of a lone choice's event is its sequence number, one less. Empty: none has been.
using EventCounts = std::vector<int64_t>;

// INVALID_ARGUMENT when it is no event's id. Empty text = no event.
absl::StatusOr<EventCounts> ParseEventId(absl::string_view text);

// Counts a stream's events and tells those that its client has had. Which events a choice has, and in which order, is a function of its
// tokens; what belongs to no choice counts as the first one's. Thread-compatible.
class EventCursor {
 public:
  // INVALID_ARGUMENT when `had` is not of so many choices, nor empty, or has more than `most` of one, which has never so many.
  static absl::StatusOr<EventCursor> After(EventCounts had, size_t choices, int64_t most);
  // Its client has had nothing.
  explicit EventCursor(size_t choices = 1) : counts_(choices), had_(choices) {}

  // The choice's next event comes. Its id; empty when the client has had it.
  std::string Next(size_t choice);
  // Of the last event that the client has now. Not before the first one.
  std::string Id() const;
  // By choice: the events that the client had at first.
  const EventCounts& had() const { return had_; }
  // Whether it had any.
  bool begun() const;
  // When no event comes any more: INVALID_ARGUMENT when the client claims to have had more than there were.
  absl::Status CheckEnd() const;

 private:
  EventCounts counts_;
  EventCounts had_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_RESUME_EVENT_CURSOR_H_
