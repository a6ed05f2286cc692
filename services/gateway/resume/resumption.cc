#include "services/gateway/resume/resumption.h"

#include <algorithm>

#include "base/status_macros.h"
#include "services/gateway/api/derived_seed.h"

namespace baleen {
namespace {

// Of a choice, and more: a token has one at most, and beside them are the echo, the end, the usage and [DONE].
int64_t MostEvents(int64_t max_tokens) { return 2 * max_tokens + 16; }

}  // namespace

absl::StatusOr<EventCursor> Resumption::Apply(bool streamed, bool seeded, GenerationInput* input) const {
  const GenerationSpec& spec = input->spec;
  ASSIGN_OR_RETURN(EventCursor events,
                   EventCursor::After(streamed ? had : EventCounts(), static_cast<size_t>(spec.choices), MostEvents(*spec.max_tokens)));
  if (resumed) {
    input->spec.seed = edge.seed();
    input->resume = progress;
  } else if (resumable && !seeded) {
    input->spec.seed = DerivedSeed(/*secret=*/edge.tenant(), /*name=*/input->request_id, /*digest=*/"");
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
