// How much of requests the cluster can run for one gateway.
#ifndef BALEEN_SERVICES_GATEWAY_ADMISSION_CLUSTER_CAPACITY_H_
#define BALEEN_SERVICES_GATEWAY_ADMISSION_CLUSTER_CAPACITY_H_

#include <cstdint>

#include "proto/baleen/v1/placement.pb.h"
#include "services/gateway/admission/admission_capacity.h"

namespace baleen {

// Of all ready decode workers together, less what other gateways' requests hold, and at least an equal part by gateways: the sequences that
// they run well, and twice their KV, since few answers reach max_tokens and workers take KV as it is needed: what does not fit waits in
// their own bounded queues. `own` is what this gateway's requests hold. Without a ready worker all 0.
AdmissionCapacity ClusterCapacity(const v1::ClusterMap& map, const AdmissionCapacity& own);

// KV tokens that a request holds at most: whole blocks for prompt and answer.
int64_t PriceOf(int64_t prompt_tokens, int64_t max_tokens);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMISSION_CLUSTER_CAPACITY_H_
