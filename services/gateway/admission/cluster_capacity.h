// How many tokens of requests the cluster can hold for one gateway.
#ifndef BALEEN_SERVICES_GATEWAY_ADMISSION_CLUSTER_CAPACITY_H_
#define BALEEN_SERVICES_GATEWAY_ADMISSION_CLUSTER_CAPACITY_H_

#include <cstdint>

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

// The KV of all ready decode workers less what other gateways' requests hold, and at least an equal part by gateways; twice that, since few
// answers reach max_tokens and workers take KV as it is needed: what does not fit waits in their own bounded queues. `own` is what this
// gateway's requests hold. 0 = the map does not say.
int64_t ClusterCapacity(const v1::ClusterMap& map, int64_t own);

// KV tokens that a request holds at most: whole blocks for prompt and answer.
int64_t PriceOf(int64_t prompt_tokens, int64_t max_tokens);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMISSION_CLUSTER_CAPACITY_H_
