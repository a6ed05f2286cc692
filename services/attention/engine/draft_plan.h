// Which rows the MTP layer runs over, flat.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_DRAFT_PLAN_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_DRAFT_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "services/attention/engine/sequence_step.h"

namespace baleen {

struct DraftPlan {
  std::vector<SequenceStep> steps;        // Whose KV is written: all positions, with the tokens that follow them.
  std::vector<int64_t> hidden_rows;       // For each row of `steps` its row in the last Step; ascending.
  std::vector<int64_t> guesses;           // The rows of `steps` whose next token but one is asked for,
  std::vector<SequenceStep> guess_steps;  // and a step for each.
};

// `step_rows`: of the last Step. INVALID_ARGUMENT names drafts that are not rows of it in its order.
absl::StatusOr<DraftPlan> PlanDrafts(absl::Span<const DraftStep> drafts, int64_t step_rows);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_DRAFT_PLAN_H_
