// A decode worker's events as a generation takes them.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_DECODE_EVENT_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_DECODE_EVENT_H_

#include "proto/baleen/v1/attention.pb.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

Finish ToFinish(v1::FinishReason reason);

TokenChoice ToChoice(const v1::TokenEvent& event);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_DECODE_EVENT_H_
