// Pinned memory for messages, used again and again: pinning takes milliseconds.
#ifndef BALEEN_MODEL_CUDA_PINNED_POOL_H_
#define BALEEN_MODEL_CUDA_PINNED_POOL_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"

namespace baleen {

// Thread-safe. What it gave may outlive it.
class PinnedPool {
 public:
  // Keeps at most `most_idle_bytes` that nobody uses.
  explicit PinnedPool(size_t most_idle_bytes);

  // What is allocated for `bytes`: always more, so that rows that adjoin, which are copied together (OutputRuns), are of one allocation.
  // CUDA refuses a copy that goes on into the next.
  static size_t SizeFor(size_t bytes);
  // At least `bytes`, anything in them, back in the pool when the last owner goes. RESOURCE_EXHAUSTED: the host has no room.
  absl::StatusOr<std::shared_ptr<std::byte[]>> Take(size_t bytes);

 private:
  struct Idle;
  std::shared_ptr<Idle> idle_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_PINNED_POOL_H_
