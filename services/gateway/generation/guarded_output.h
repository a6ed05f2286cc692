// Holds a choice's events back until a guard has passed their text.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_GUARDED_OUTPUT_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_GUARDED_OUTPUT_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "services/gateway/generation/generation.h"
#include "services/gateway/guardrail/guard.h"

namespace baleen {

struct GuardedOutputOptions {
  std::shared_ptr<GuardSession> session;
  uint32_t choice = 0;
  bool fails_open = false;
  // Gets what passed, in order and one at a time, on transport threads and on the guard's. Events go out whole and unchanged, and a token
  // not before its text. A block ends the choice with Finish::kContentFilter behind the passed events and with the usage up to the text
  // that was blocked; so what goes out is a function of the tokens. When the guard fails, everything goes out, or the choice ends with
  // UNAVAILABLE.
  GenerationSink sink;
  // Called when the guard ended the choice; may be called before the event that it belongs to has returned.
  std::function<void()> stop;
};

// A sink for the choice's generation. At most as many events wait as the choice has tokens.
GenerationSink GuardOutput(GuardedOutputOptions options);

// The client's error when a guard fails closed.
absl::Status GuardFailed();

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_GUARDED_OUTPUT_H_
