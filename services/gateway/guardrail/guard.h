// Judges what goes to the model and what comes from it, by baleen.v1.Guardrail's contract.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_GUARD_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_GUARD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/private_text.h"

namespace baleen {

enum class GuardChannel { kReasoning, kText, kToolCall };

// A piece of a choice's output, in the order in which it would go out.
struct GuardPiece {
  uint32_t choice = 0;
  GuardChannel channel = GuardChannel::kText;
  uint32_t call = 0;  // Of kToolCall: which one.
  PrivateText text;
  bool last = false;  // Nothing of the choice follows, so nothing may be held back any more.
};

struct GuardVerdict {
  absl::Status status;             // Not OK: the guard failed, and judges nothing any more.
  bool block = false;              // The prompt must not run, or the choice must not go on.
  std::string category;            // With block: what it is, a name out of the guard's policy.
  uint64_t passed = 0;             // Of output: so many of the choice's pieces so far may go out.
  std::vector<std::string> noted;  // Categories found that block nothing.
};

// Called once for each check, maybe before the check returns; verdicts of one choice come in the order of its checks.
using GuardDone = std::function<void(GuardVerdict)>;

// One request. Thread-safe; a choice's pieces come one after another. A verdict is a function of the texts so far alone.
class GuardSession {
 public:
  virtual ~GuardSession() = default;
  // Once, before all output: what the model would read.
  virtual void CheckPrompt(PrivateText text, GuardDone done) = 0;
  virtual void CheckOutput(GuardPiece piece, GuardDone done) = 0;
  // No verdict is wanted any more; what was asked may stay unanswered.
  virtual void Cancel() = 0;
};

// Thread-safe; outlives its sessions.
class Guard {
 public:
  virtual ~Guard() = default;
  // `request_id` has 16 bytes.
  virtual std::shared_ptr<GuardSession> Open(const std::string& request_id) = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_GUARD_H_
