// The choices of one request (n): as many generations, one stream of events.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_CHOICES_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_CHOICES_H_

#include <functional>
#include <memory>

#include "services/gateway/generation/generation.h"

namespace baleen {

// Runs input.spec.choices generations that differ in their choice alone. `sink` gets their events one at a time, each with its choice; a
// choice's first text begins with input.echo. The event that ends the request has the usage of all choices, its prompt counted once. When
// one choice fails, that event ends the request and the others are freed. `wrap` is applied to each generation's sink. Cancel frees all.
// With context.guard, nothing runs before the guard has passed the prompt, each choice's events go out as GuardOutput has it, and a blocked
// prompt ends every choice with Finish::kContentFilter.
std::shared_ptr<Generation> StartChoices(const GenerationContext& context, const GenerationInput& input,
                                         const std::function<GenerationSink(GenerationSink)>& wrap, GenerationSink sink);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_CHOICES_H_
