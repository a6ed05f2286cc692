#include "services/gateway/resume/resumption.h"

#include <algorithm>

#include "base/status_macros.h"

namespace baleen {

absl::StatusOr<EventCursor> Resumption::Apply(bool streamed, GenerationInput* input) const {
  ASSIGN_OR_RETURN(EventCursor events, EventCursor::After(streamed ? had : EventCounts(), static_cast<size_t>(input->spec.choices)));
  if (resumed) {
    input->spec.seed = edge.seed();
    input->resume = progress;
  }
  if (input->spec.logprobs >= 0) {
    // Log-probabilities are not kept: tokens that the client has not seen are generated again, bit for bit. Each had an event of its own.
    for (auto& [choice, left] : input->resume) {
      const int64_t seen = choice < events.had().size() ? events.had()[choice] : 0;
      left.generated.resize(static_cast<size_t>(std::min<int64_t>(seen, static_cast<int64_t>(left.generated.size()))));
    }
  }
  if (resumable) {
    v1::EdgeRequest kept = edge;
    kept.set_seed(*input->spec.seed);
    input->edge = PrivateText(kept.SerializeAsString());
    input->owner = edge.tenant();
  }
  return events;
}

BilledBefore BilledFor(const EventCursor& events) {
  BilledBefore before;
  before.prompt = events.begun();
  before.events = events.had();
  return before;
}

}  // namespace baleen
