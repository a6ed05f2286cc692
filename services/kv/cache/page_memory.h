// Where KV pages lie: in this host's memory or in a GPU's.
#ifndef BALEEN_SERVICES_KV_CACHE_PAGE_MEMORY_H_
#define BALEEN_SERVICES_KV_CACHE_PAGE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/types/span.h"

namespace baleen {

// A copy between pages and the host.
struct PageRun {
  std::byte* page = nullptr;  // Within the memory.
  std::byte* host = nullptr;
  size_t bytes = 0;
};

// One run of bytes, zero at first. Thread-safe. What is called is done when it returns; memory that fails ends the process: nothing that
// it gives would be right, and other workers take the sequences over.
class PageMemory {
 public:
  virtual ~PageMemory() = default;

  // Null when the memory could not be had. On a GPU an address that the host may not touch.
  virtual std::byte* data() const = 0;
  virtual int64_t bytes() const = 0;
  // Where the same bytes lie for one of several GPUs that compute together (replicated_page_memory.h); data() is the first one's.
  virtual std::byte* replica(int rank) const { return data(); }

  virtual void Zero(absl::Span<std::byte* const> runs, size_t bytes) = 0;  // That many at each.
  virtual void Read(absl::Span<const PageRun> runs) = 0;                   // From the pages to the host.
  virtual void Write(absl::Span<const PageRun> runs) = 0;
};

// Address space that takes memory as it is first written; out of core dumps, since latent KV is derived from users' text.
std::unique_ptr<PageMemory> NewHostPageMemory(int64_t bytes);

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_CACHE_PAGE_MEMORY_H_
