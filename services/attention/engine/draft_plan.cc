#include "services/attention/engine/draft_plan.h"

#include "absl/strings/str_cat.h"

namespace baleen {

absl::StatusOr<DraftPlan> PlanDrafts(absl::Span<const DraftStep> drafts, int64_t step_rows) {
  DraftPlan plan;
  for (const DraftStep& draft : drafts) {
    const int64_t count = static_cast<int64_t>(draft.next_tokens.size());
    const int64_t least = plan.hidden_rows.empty() ? 0 : plan.hidden_rows.back() + 1;
    if (draft.first_row < least || draft.first_row > step_rows - count || (draft.logits && count == 0)) {
      return absl::InvalidArgumentError(absl::StrCat("a draft of rows ", draft.first_row, " .. +", count, " after a step of ", step_rows));
    }
    for (int64_t i = 0; i < count; ++i) plan.hidden_rows.push_back(draft.first_row + i);
    plan.steps.push_back({draft.blocks, draft.first_position, draft.next_tokens, 0});
    if (!draft.logits) continue;
    plan.guesses.push_back(static_cast<int64_t>(plan.hidden_rows.size()) - 1);
    plan.guess_steps.push_back(
        {draft.blocks, draft.first_position + count - 1, draft.next_tokens.subspan(static_cast<size_t>(count) - 1), 1});
  }
  return plan;
}

}  // namespace baleen
