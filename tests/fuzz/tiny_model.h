// A served model that needs no checkpoint.
#ifndef BALEEN_TESTS_FUZZ_TINY_MODEL_H_
#define BALEEN_TESTS_FUZZ_TINY_MODEL_H_

#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

// "tiny" under the template of this kind (modulo their number), with a context of 2,048; one a kind, never freed.
const ServedModel& TinyModel(uint8_t kind);

// Aborts unless a decode worker of the model takes the request that its gateway made of a client's.
void RequireWorkerTakes(const ServedModel& model, const GenerationInput& input);

// Aborts unless clients may see the error: INVALID_ARGUMENT, NOT_FOUND or FAILED_PRECONDITION, in a body that is JSON.
void RequireClientError(const absl::Status& status);

}  // namespace baleen

#endif  // BALEEN_TESTS_FUZZ_TINY_MODEL_H_
