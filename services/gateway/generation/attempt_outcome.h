// What the end of an attempt means for its request.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_ATTEMPT_OUTCOME_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_ATTEMPT_OUTCOME_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace baleen {

enum class AttemptOutcome {
  kFailed,   // The worker failed; another one may do better.
  kMoved,    // The worker lives, and does not go on with it; another one does.
  kFull,     // The worker's queue is; another one's may not be.
  kFenced,   // A newer attempt of the request runs, by somebody else.
  kHopeless  // The request's own fault, or its deadline: final.
};

// `status` of a stream that ended without a finish event.
AttemptOutcome OutcomeOf(const absl::Status& status);

// Whether a worker that was left with a resumable request has it, by the end of the stream: one that had gone by then has not.
bool KeepsJournal(const absl::Status& status);

// Whether a call that ended so reached a process.
bool Answered(const absl::Status& status);

// How long to wait before the next attempt after `failures` in a row without a token: nothing at first, then 50 ms doubling to 1 s.
absl::Duration RetryDelay(int failures);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_ATTEMPT_OUTCOME_H_
