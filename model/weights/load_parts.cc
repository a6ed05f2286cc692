#include "model/weights/load_parts.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <vector>

#include "base/cores.h"

namespace baleen {
namespace {

// Packing is bound by memory beyond a few threads.
constexpr int kMaxThreads = 16;

class Loads {
 public:
  Loads(Checkpoint* checkpoint, size_t count, const LoadPart& load) : checkpoint_(checkpoint), count_(count), load_(load) {}

  void Work() {
    PartFinisher finisher(checkpoint_);
    while (!failed_) {
      const size_t part = next_++;
      if (part >= count_) return;
      const absl::Status status = load_(part, &finisher);
      if (!status.ok()) Fail(part, status);
    }
  }

  absl::Status status() const { return status_; }

 private:
  // Parts below one that failed were begun before it, and end in time to be heard.
  void Fail(size_t part, const absl::Status& status) {
    const std::lock_guard lock(mu_);
    if (!failed_ || part < failed_part_) {
      status_ = status;
      failed_part_ = part;
    }
    failed_ = true;
  }

  Checkpoint* const checkpoint_;
  const size_t count_;
  const LoadPart& load_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mu_;
  size_t failed_part_ = 0;  // Guarded by mu_, as status_ is.
  absl::Status status_;
};

}  // namespace

absl::Status LoadParts(Checkpoint* checkpoint, size_t count, int threads, const LoadPart& load) {
  Loads loads(checkpoint, count, load);
  std::vector<std::future<void>> others;
  for (int i = 1; i < threads; ++i) others.push_back(std::async(std::launch::async, [&loads] { loads.Work(); }));
  loads.Work();
  for (std::future<void>& other : others) other.get();
  return loads.status();
}

int LoadThreads(size_t parts) {
  return static_cast<int>(std::max<size_t>(1, std::min<size_t>(parts, std::min(AvailableCores(), kMaxThreads))));
}

}  // namespace baleen
