// The embedded guard's rules, read from a policy file.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_POLICY_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_POLICY_H_

#include <re2/re2.h>

#include <bitset>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

enum class GuardAction {
  kBlock,
  kNote,  // Counted in metrics; the text goes through.
};

enum class GuardCheck { kNone, kLuhn, kIban };

// Bytes that a match consists of. A run is a longest stretch of them.
using ByteClass = std::bitset<256>;

// A pattern, matched by RE2 in linear time. It is looked for in runs of `run`, never across them, so that text may go out as soon as no
// open run holds it; or, without a run, in the whole text.
struct GuardRule {
  std::string name;
  std::string category;
  GuardAction action = GuardAction::kBlock;
  GuardCheck check = GuardCheck::kNone;
  bool on_prompt = false;
  bool on_output = false;  // Only with a run.
  bool has_run = false;
  ByteClass run;
  size_t min_bytes = 1;  // Shorter runs are not searched.
  std::unique_ptr<const RE2> pattern;

  // Whether the rule's pattern is found in `text` with its check passed; `from` says where a match may begin, and what is before it counts
  // as context alone. `*begin` is the first match's.
  bool Find(absl::string_view text, size_t from, size_t* begin) const;
};

// Immutable, thread-safe.
struct GuardPolicy {
  std::vector<GuardRule> rules;

  // JSON: {"rules": [{"name", "category", "on": ["prompt", "output"], "action": "block" | "note", "pattern", "run"?, "min_bytes"?,
  // "check"?: "luhn" | "iban"}]}. `run` is a class of ASCII characters in RE2's syntax, and a `check` goes with it. INVALID_ARGUMENT names
  // the rule and what is wrong with it.
  static absl::StatusOr<std::shared_ptr<const GuardPolicy>> Parse(absl::string_view json);
  // The one that ships, policy.json.
  static std::shared_ptr<const GuardPolicy> Default();
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_POLICY_H_
