// One request's hold on its tenant's limits, and its bill.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_CHARGE_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_CHARGE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/tenants/tenant_account.h"

namespace baleen {

// What of a request was billed before.
struct BilledBefore {
  // Of one that is resumed: it is not computed again.
  bool prompt = false;
  std::vector<int64_t> events = {};  // By choice: how many of its first ones; Charge::Had says which tokens those are.
  // All, of one that is repeated: it is computed again, so limits count it.
  bool free = false;
};

// Priced at once by what it may need: its prompt and max_tokens for each choice. Ends when all choices have, or when the last of its sinks
// goes; from then on the limits know what it really used. The bill is for tokens that came: a prompt from its first answer token on,
// tokens as they come, whether or not the client waits for the end. Thread-safe.
class Charge : public std::enable_shared_from_this<Charge> {
 public:
  // RESOURCE_EXHAUSTED when Begin would refuse a new request even at the least that it can cost; told before a long prompt is tokenised.
  static absl::Status Check(TenantAccount* account, int64_t least_prompt_tokens, const GenerationSpec& spec);
  // RESOURCE_EXHAUSTED when a limit of the tenant's is reached. A null account has no limits and no bill. `input` says whether the request
  // resumes.
  static absl::StatusOr<std::shared_ptr<Charge>> Begin(std::shared_ptr<TenantAccount> account, const GenerationInput& input,
                                                       const BilledBefore& before = {});
  ~Charge();

  // Counts what passes on its way to the sink of one choice; called for one choice after the other, in their order.
  GenerationSink Meter(GenerationSink sink);
  // The client had this event, of which its sink was told, before: with it the tokens of its choice up to here.
  void Had(const GenerationEvent& event);

 private:
  struct Choice {
    int64_t had = 0;      // Events that the client had before, and that are still to come.
    int64_t counted = 0;  // Tokens, those billed before among them.
  };

  Charge(std::shared_ptr<TenantAccount> account, const GenerationInput& input, const BilledBefore& before);
  void Count(const GenerationEvent& event, size_t choice);
  void End();

  const std::shared_ptr<TenantAccount> account_;
  const int64_t price_;
  const BilledBefore before_;
  size_t metered_ = 0;  // Choices.
  std::mutex mutex_;
  std::vector<Choice> choices_;
  int64_t open_choices_;
  bool prompt_counted_ = false;
  int64_t used_ = 0;
  bool ended_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_CHARGE_H_
