// KV pages in a GPU's memory.
#ifndef BALEEN_SERVICES_KV_CACHE_DEVICE_PAGE_MEMORY_H_
#define BALEEN_SERVICES_KV_CACHE_DEVICE_PAGE_MEMORY_H_

#include <cstdint>
#include <memory>

#include "services/kv/cache/page_memory.h"

namespace baleen {

// Copies run beside what the engine computes, on a stream of their own. Memory that cannot be had is logged.
std::unique_ptr<PageMemory> NewDevicePageMemory(int64_t bytes);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_CACHE_DEVICE_PAGE_MEMORY_H_
