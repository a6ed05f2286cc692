#include "services/kv/cache/replicated_page_memory.h"

#include <algorithm>
#include <vector>

#include "kernels/cuda/base/device.h"
#include "model/cuda/device_status.h"
#include "services/common/device_failure.h"
#include "services/kv/cache/device_page_memory.h"

namespace baleen {
namespace {

void Select(int device) {
  if (const absl::Status selected = FromDevice(cuda::SelectDevice(device)); !selected.ok()) EndWithTheDevice(selected);
}

class ReplicatedPageMemory final : public PageMemory {
 public:
  ReplicatedPageMemory(int64_t bytes, int replicas) : memories_(static_cast<size_t>(replicas)) {
    OnEach([&](std::unique_ptr<PageMemory>& memory) { memory = NewDevicePageMemory(bytes); });
  }

  std::byte* data() const override { return memories_[0]->data(); }
  int64_t bytes() const override {
    int64_t least = memories_[0]->bytes();
    for (const std::unique_ptr<PageMemory>& memory : memories_) least = std::min(least, memory->bytes());
    return least;
  }
  std::byte* replica(int rank) const override { return memories_[static_cast<size_t>(rank)]->data(); }

  void Zero(absl::Span<std::byte* const> runs, size_t bytes) override {
    OnEach([&](std::unique_ptr<PageMemory>& memory) {
      std::vector<std::byte*> own(runs.begin(), runs.end());
      for (std::byte*& run : own) run = memory->data() + (run - data());
      memory->Zero(own, bytes);
    });
  }
  void Read(absl::Span<const PageRun> runs) override { memories_[0]->Read(runs); }
  void Write(absl::Span<const PageRun> runs) override {
    OnEach([&](std::unique_ptr<PageMemory>& memory) {
      std::vector<PageRun> own(runs.begin(), runs.end());
      for (PageRun& run : own) run.page = memory->data() + (run.page - data());
      memory->Write(own);
    });
  }

 private:
  template <typename Body>
  void OnEach(const Body& body) {
    for (size_t rank = 0; rank < memories_.size(); ++rank) {
      Select(static_cast<int>(rank));
      body(memories_[rank]);
    }
    Select(0);
  }

  std::vector<std::unique_ptr<PageMemory>> memories_;  // By device.
};

}  // namespace

std::unique_ptr<PageMemory> NewReplicatedPageMemory(int64_t bytes, int replicas) {
  return std::make_unique<ReplicatedPageMemory>(bytes, replicas);
}

}  // namespace baleen
