// Where a choice of a resumed request goes on.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_RESUME_POINT_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_RESUME_POINT_H_

#include <cstdint>
#include <optional>

#include "services/gateway/generation/generation.h"

namespace baleen {

// Where this choice was left; nullopt for a request that is not resumed. A choice that no worker has begins anew: above what the others
// had, since an abandoned connection may still run it, and in their arithmetic, since the client may have had its tokens.
std::optional<GenerationResume> ProgressOf(const GenerationInput& input);

// The attempt before the first one of the connection that comes so many connections after attempt `last`. A gateway that nothing reaches
// any more goes on retrying for a client that has left it: that client's next connection is above all its retries.
uint32_t AttemptAbove(uint32_t last, uint64_t connections);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_RESUME_POINT_H_
