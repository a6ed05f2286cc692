#include "services/kv/cache/page_memory.h"

#include <sys/mman.h>

#include <cstring>

namespace baleen {
namespace {

class HostPageMemory final : public PageMemory {
 public:
  explicit HostPageMemory(int64_t bytes) : bytes_(bytes) {
    if (bytes <= 0) return;
    void* memory = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    madvise(memory, static_cast<size_t>(bytes), MADV_DONTDUMP);
    data_ = static_cast<std::byte*>(memory);
  }
  ~HostPageMemory() override {
    if (data_ != nullptr) munmap(data_, static_cast<size_t>(bytes_));
  }

  std::byte* data() const override { return data_; }
  int64_t bytes() const override { return data_ == nullptr ? 0 : bytes_; }
  void Zero(absl::Span<std::byte* const> runs, size_t bytes) override {
    for (std::byte* const run : runs) std::memset(run, 0, bytes);
  }
  void Read(absl::Span<const PageRun> runs) override {
    for (const PageRun& run : runs) std::memcpy(run.host, run.page, run.bytes);
  }
  void Write(absl::Span<const PageRun> runs) override {
    for (const PageRun& run : runs) std::memcpy(run.page, run.host, run.bytes);
  }

 private:
  const int64_t bytes_;
  std::byte* data_ = nullptr;
};

}  // namespace

std::unique_ptr<PageMemory> NewHostPageMemory(int64_t bytes) { return std::make_unique<HostPageMemory>(bytes); }

}  // namespace baleen
