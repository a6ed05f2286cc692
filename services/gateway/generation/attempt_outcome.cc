#include "services/gateway/generation/attempt_outcome.h"

#include <algorithm>

namespace baleen {

AttemptOutcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
      return AttemptOutcome::kFailed;
    case absl::StatusCode::kFailedPrecondition:  // It drains, or a worker with other numerics has taken the address.
      return AttemptOutcome::kMoved;
    case absl::StatusCode::kResourceExhausted:
      return AttemptOutcome::kFull;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return AttemptOutcome::kFenced;
    default:
      return AttemptOutcome::kHopeless;
  }
}

bool KeepsJournal(const absl::Status& status) {
  if (status.ok() || absl::IsCancelled(status)) return true;
  const AttemptOutcome outcome = OutcomeOf(status);
  return outcome != AttemptOutcome::kFailed && outcome != AttemptOutcome::kMoved;
}

bool Answered(const absl::Status& status) {
  return !absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status) && !absl::IsCancelled(status);
}

absl::Duration RetryDelay(int failures) {
  if (failures <= 1) return absl::ZeroDuration();
  return std::min(absl::Seconds(1), absl::Milliseconds(50) * (1 << std::min(failures - 2, 5)));
}

}  // namespace baleen
