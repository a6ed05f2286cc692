// An attempt of a generation as its decode worker gets it.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_START_MESSAGE_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_START_MESSAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/baleen/v1/attention.pb.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

// `journal` has the tokens of earlier attempts; the message is sent at `now`.
v1::StartSequence MakeStartMessage(const GenerationInput& input, const std::vector<uint32_t>& journal, uint32_t attempt,
                                   const std::string& numerics_id, absl::Time now);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_START_MESSAGE_H_
