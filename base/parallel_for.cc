#include "base/parallel_for.h"

namespace baleen {

void ParallelFor(ThreadPool* pool, int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (pool != nullptr) {
    pool->ParallelFor(count, grain, body);
  } else if (count > 0) {
    body(0, count);
  }
}

}  // namespace baleen
