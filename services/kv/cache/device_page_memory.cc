#include "services/kv/cache/device_page_memory.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "kernels/cuda/base/device.h"
#include "model/cuda/device_status.h"
#include "services/common/device_failure.h"
#include "services/common/log.h"

namespace baleen {
namespace {

constexpr size_t kStagingBytes = size_t{4} << 20;

void Require(const cuda::Status& status) {
  if (!status.ok()) EndWithTheDevice(FromDevice(status));
}

class DevicePageMemory final : public PageMemory {
 public:
  explicit DevicePageMemory(int64_t bytes) {
    if (const cuda::Status status = Allocate(bytes); !status.ok()) {
      Log(LogLevel::kError, "no_device_memory_for_kv", {{"error", status.message()}});
      return;
    }
    if (memory_.bytes() == 0) return;
    Require(cuda::FillAsync(memory_.data(), 0, memory_.bytes(), stream_.get()));
    Require(stream_.Synchronize());
  }

  std::byte* data() const override { return memory_.As<std::byte>(); }
  int64_t bytes() const override { return static_cast<int64_t>(memory_.bytes()); }

  void Zero(absl::Span<std::byte* const> runs, size_t bytes) override {
    const std::lock_guard<std::mutex> lock(mu_);
    for (std::byte* const run : runs) Require(cuda::FillAsync(run, 0, bytes, stream_.get()));
    Require(stream_.Synchronize());
  }

  void Read(absl::Span<const PageRun> runs) override {
    ByStaging(runs, [&](absl::Span<const PageRun> batch) {
      std::byte* staged = staging_.As<std::byte>();
      for (const PageRun& run : batch) {
        Require(cuda::CopyAsync(staged, run.page, run.bytes, stream_.get()));
        staged += run.bytes;
      }
      Require(stream_.Synchronize());
      staged = staging_.As<std::byte>();
      for (const PageRun& run : batch) {
        std::memcpy(run.host, staged, run.bytes);
        staged += run.bytes;
      }
    });
  }

  void Write(absl::Span<const PageRun> runs) override {
    ByStaging(runs, [&](absl::Span<const PageRun> batch) {
      std::byte* staged = staging_.As<std::byte>();
      for (const PageRun& run : batch) {
        std::memcpy(staged, run.host, run.bytes);
        Require(cuda::CopyAsync(run.page, staged, run.bytes, stream_.get()));
        staged += run.bytes;
      }
      Require(stream_.Synchronize());
    });
  }

 private:
  cuda::Status Allocate(int64_t bytes) {
    if (cuda::Status status = cuda::DeviceStream::Create(&stream_); !status.ok()) return status;
    if (cuda::Status status = cuda::PinnedMemory::Allocate(kStagingBytes, &staging_); !status.ok()) return status;
    return bytes > 0 ? cuda::DeviceMemory::Allocate(static_cast<size_t>(bytes), &memory_) : cuda::Status();
  }
  // Hands runs on in batches that fit the staging memory; longer ones than that in pieces.
  template <typename Copy>
  void ByStaging(absl::Span<const PageRun> runs, const Copy& copy) {
    const std::lock_guard<std::mutex> lock(mu_);
    std::vector<PageRun> batch;
    size_t staged = 0;
    for (PageRun run : runs) {
      while (run.bytes > 0) {
        const size_t bytes = std::min(run.bytes, kStagingBytes - staged);
        batch.push_back({run.page, run.host, bytes});
        run = {run.page + bytes, run.host + bytes, run.bytes - bytes};
        staged += bytes;
        if (staged < kStagingBytes) continue;
        copy(batch);
        batch.clear();
        staged = 0;
      }
    }
    if (!batch.empty()) copy(batch);
  }

  std::mutex mu_;  // Of stream and staging.
  cuda::DeviceStream stream_;
  cuda::PinnedMemory staging_;
  cuda::DeviceMemory memory_;
};

}  // namespace

std::unique_ptr<PageMemory> NewDevicePageMemory(int64_t bytes) { return std::make_unique<DevicePageMemory>(bytes); }

}  // namespace baleen
