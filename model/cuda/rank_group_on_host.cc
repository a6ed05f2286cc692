#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rank_group.h"

namespace baleen {
namespace {

// Whoever comes last enqueues the copies of all: no stream ever holds what another rank has not called yet.
class HostRankGroup final : public RankGroup {
 public:
  static absl::StatusOr<std::unique_ptr<RankGroup>> Create(size_t size) {
    auto group = std::make_unique<HostRankGroup>();
    group->parts_.resize(size);
    for (std::vector<cuda::DeviceEvent>* const events : {&group->written_, &group->read_}) {
      events->resize(size);
      for (cuda::DeviceEvent& event : *events) RETURN_IF_ERROR(FromDevice(cuda::DeviceEvent::Create(&event)));
    }
    return group;
  }

  absl::Status AllGather(int rank, const void* from, void* to, size_t bytes, cuda::Stream stream) override {
    std::unique_lock<std::mutex> lock(mu_);
    if (!aborted_.ok()) return aborted_;
    parts_[static_cast<size_t>(rank)] = {from, to, bytes, stream};
    if (++here_ < parts_.size()) {
      const int64_t round = round_;
      changed_.wait(lock, [&] { return round_ != round || !aborted_.ok(); });
      return aborted_;
    }
    aborted_ = Enqueue();
    here_ = 0;
    ++round_;
    changed_.notify_all();
    return aborted_;
  }

  void Abort(const absl::Status& cause) override {
    const std::lock_guard<std::mutex> lock(mu_);
    if (aborted_.ok()) aborted_ = cause;
    changed_.notify_all();
  }

 private:
  struct Part {
    const void* from = nullptr;
    void* to = nullptr;
    size_t bytes = 0;
    cuda::Stream stream = nullptr;
  };

  // No rank reads before all have written, and none goes on before all have read.
  absl::Status Enqueue() {
    RETURN_IF_ERROR(Record(written_));
    RETURN_IF_ERROR(AwaitAll(written_));
    for (const Part& to : parts_) {
      if (to.bytes != parts_[0].bytes) return absl::InternalError("ranks gather parts of different sizes");
      std::byte* next = static_cast<std::byte*>(to.to);
      for (const Part& from : parts_) {
        RETURN_IF_ERROR(FromDevice(cuda::CopyAsync(next, from.from, from.bytes, to.stream)));
        next += from.bytes;
      }
    }
    RETURN_IF_ERROR(Record(read_));
    return AwaitAll(read_);
  }

  absl::Status Record(const std::vector<cuda::DeviceEvent>& events) {
    for (size_t rank = 0; rank < parts_.size(); ++rank) RETURN_IF_ERROR(FromDevice(events[rank].Record(parts_[rank].stream)));
    return absl::OkStatus();
  }
  absl::Status AwaitAll(const std::vector<cuda::DeviceEvent>& events) {
    for (const Part& part : parts_) {
      for (const cuda::DeviceEvent& event : events) RETURN_IF_ERROR(FromDevice(event.Block(part.stream)));
    }
    return absl::OkStatus();
  }

  std::mutex mu_;
  std::condition_variable changed_;
  absl::Status aborted_;
  std::vector<Part> parts_;
  size_t here_ = 0;
  int64_t round_ = 0;
  std::vector<cuda::DeviceEvent> written_, read_;  // By rank.
};

}  // namespace

absl::StatusOr<std::unique_ptr<RankGroup>> CreateRankGroup(int size) { return HostRankGroup::Create(static_cast<size_t>(size)); }

}  // namespace baleen
