// Filling a sequence's KV on another worker, as the step loop sees it.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_REMOTE_PREFILL_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_REMOTE_PREFILL_H_

#include <functional>

#include "services/attention/scheduler/sequence.h"

namespace baleen {

// Called from the step loop's thread only.
class RemotePrefill {
 public:
  virtual ~RemotePrefill() = default;
  // Whether enough of the sequence is missing and somebody could fill it now.
  virtual bool Wants(const Sequence& sequence) const = 0;
  // Has positions [computed, known - 1) written into the sequence's blocks, on which it takes references. `done` is called exactly once
  // unless Abort comes first, on any thread and maybe before this returns: true when all rows are in place, false when nobody could.
  virtual void Start(const Sequence& sequence, std::function<void(bool filled)> done) = 0;
  // No row is written any more once this returns.
  virtual void Abort(SequenceId id) = 0;
  // Gives up on those who make no progress; called before each step, and every 50 ms while there is none.
  virtual void Tick() = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_REMOTE_PREFILL_H_
