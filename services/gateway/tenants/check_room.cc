#include "services/gateway/tenants/check_room.h"

#include "base/status_macros.h"
#include "services/gateway/tenants/charge.h"

namespace baleen {

absl::Status CheckRoom(const GenerationContext& context, const Caller& caller, int64_t least_prompt_tokens, const GenerationSpec& spec) {
  RETURN_IF_ERROR(Charge::Check(caller.account.get(), least_prompt_tokens, spec));
  return ForeseeTurn(context, FairShareOf(caller, spec.user), least_prompt_tokens, spec);
}

}  // namespace baleen
