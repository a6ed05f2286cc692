// KV pages of GPUs that compute one network together: each has all of them.
#ifndef BALEEN_SERVICES_KV_CACHE_REPLICATED_PAGE_MEMORY_H_
#define BALEEN_SERVICES_KV_CACHE_REPLICATED_PAGE_MEMORY_H_

#include <cstdint>
#include <memory>

#include "services/kv/cache/page_memory.h"

namespace baleen {

// `bytes` on each of devices 0 .. replicas - 1. What the host zeroes and writes goes to all; what it reads is the first one's, since what
// the devices write by themselves is the same on all. Called by threads that selected no device.
std::unique_ptr<PageMemory> NewReplicatedPageMemory(int64_t bytes, int replicas);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_CACHE_REPLICATED_PAGE_MEMORY_H_
