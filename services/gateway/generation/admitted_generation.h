// A generation that has its turn.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_ADMITTED_GENERATION_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_ADMITTED_GENERATION_H_

#include <memory>

#include "absl/time/time.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

// As StartGeneration, without waiting for a turn. `since` is when its client began to wait.
std::shared_ptr<Generation> StartAttempts(const GenerationContext& context, GenerationInput input, absl::Time since, GenerationSink sink);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_ADMITTED_GENERATION_H_
