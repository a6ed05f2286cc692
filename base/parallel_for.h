// Work over a range of indices, with a pool or without.
#ifndef BALEEN_BASE_PARALLEL_FOR_H_
#define BALEEN_BASE_PARALLEL_FOR_H_

#include <cstdint>
#include <functional>

#include "base/thread_pool.h"

namespace baleen {

// ThreadPool::ParallelFor of `pool`; inline where it is null.
void ParallelFor(ThreadPool* pool, int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

}  // namespace baleen

#endif  // BALEEN_BASE_PARALLEL_FOR_H_
