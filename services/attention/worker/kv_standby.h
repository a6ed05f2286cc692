// Copies of sequences' KV where they would go on if this worker died, as the step loop sees them.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_KV_STANDBY_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_KV_STANDBY_H_

#include "services/attention/scheduler/scheduler.h"
#include "services/attention/scheduler/sequence.h"

namespace baleen {

// Called from the step loop's thread only. Must not block.
class KvStandby {
 public:
  virtual ~KvStandby() = default;
  // More of the sequence's leading blocks are full: `published` of them, by the names in `hashes`, are in the prefix cache.
  virtual void OnPublished(const Sequence& sequence) = 0;
  virtual void OnEnded(SequenceId id) = 0;
};

// After a completed step, before what ended in it is gone: tells of blocks that it filled. Fills for other workers are theirs to redo.
inline void TellOfPublished(const StepPlan& plan, KvStandby& standby) {
  for (const StepRow& row : plan.rows) {
    Sequence& sequence = *row.sequence;
    if (!sequence.request.generates || sequence.published <= sequence.standby_told) continue;
    sequence.standby_told = sequence.published;
    standby.OnPublished(sequence);
  }
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_KV_STANDBY_H_
