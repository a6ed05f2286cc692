#include "model/cuda/pinned_pool.h"

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <utility>

#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/device_status.h"

namespace baleen {
namespace {

constexpr size_t kLeast = size_t{64} << 10;
constexpr size_t kGap = 256;

}  // namespace

// By size, a power of two.
struct PinnedPool::Idle {
  explicit Idle(size_t most) : most_bytes(most) {}

  bool Take(size_t size, cuda::PinnedMemory* memory) {
    std::lock_guard lock(mu);
    const auto found = idle.find(size);
    if (found == idle.end()) return false;
    *memory = std::move(found->second);
    idle.erase(found);
    bytes -= size;
    return true;
  }

  void Give(cuda::PinnedMemory memory) {
    std::lock_guard lock(mu);
    if (bytes + memory.bytes() > most_bytes) return;
    bytes += memory.bytes();
    idle.emplace(memory.bytes(), std::move(memory));
  }

  const size_t most_bytes;
  std::mutex mu;
  std::multimap<size_t, cuda::PinnedMemory> idle;
  size_t bytes = 0;
};

PinnedPool::PinnedPool(size_t most_idle_bytes) : idle_(std::make_shared<Idle>(most_idle_bytes)) {}

size_t PinnedPool::SizeFor(size_t bytes) { return std::bit_ceil(std::max(bytes, kLeast)) + kGap; }

absl::StatusOr<std::shared_ptr<std::byte[]>> PinnedPool::Take(size_t bytes) {
  const size_t size = SizeFor(bytes);
  auto memory = std::make_shared<cuda::PinnedMemory>();
  if (!idle_->Take(size, memory.get())) {
    RETURN_IF_ERROR(HasRoom(cuda::PinnedMemory::Allocate(size, memory.get()), static_cast<int64_t>(size), "of pinned memory"));
  }
  std::byte* const data = memory->As<std::byte>();
  return std::shared_ptr<std::byte[]>(data, [idle = idle_, memory](std::byte*) { idle->Give(std::move(*memory)); });
}

}  // namespace baleen
