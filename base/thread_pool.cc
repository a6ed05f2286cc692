#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace baleen {
namespace {

// 1 to 4 us of `pause`: a fork follows a join within that time inside a layer, and longer would burn a neighbour's core.
constexpr int kSpins = 64;

thread_local bool inside_parallel_for = false;

void Relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

struct Job {
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  int64_t count = 0;
  int64_t chunk = 0;
  std::atomic<int64_t> next{0};

  void Work() {
    inside_parallel_for = true;
    for (;;) {
      const int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count) break;
      (*body)(begin, std::min(count, begin + chunk));
    }
    inside_parallel_for = false;
  }
};

}  // namespace

// A worker joins a job only while it is open, so a caller waits for those at work and never for one still asleep.
struct ThreadPool::Impl {
  std::vector<std::thread> workers;
  std::mutex call_mutex;  // Held for a whole ParallelFor.
  std::mutex mutex;       // Guards job and stop; `generation` and `active` change under it.
  std::condition_variable work;
  std::condition_variable done;
  Job* job = nullptr;
  bool stop = false;
  std::atomic<uint64_t> generation{0};
  std::atomic<int> active{0};

  void Loop() {
    uint64_t seen = 0;
    for (;;) {
      for (int i = 0; i < kSpins && generation.load(std::memory_order_acquire) == seen; ++i) Relax();
      Job* mine = nullptr;
      {
        std::unique_lock<std::mutex> lock(mutex);
        work.wait(lock, [&] { return stop || generation.load(std::memory_order_relaxed) != seen; });
        if (stop) return;
        seen = generation.load(std::memory_order_relaxed);
        mine = job;
        if (mine == nullptr) continue;
        active.fetch_add(1, std::memory_order_relaxed);
      }
      mine->Work();
      std::lock_guard<std::mutex> lock(mutex);
      if (active.fetch_sub(1, std::memory_order_release) == 1) done.notify_one();
    }
  }

  void Open(Job* opened, int64_t helpers) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      job = opened;
      generation.fetch_add(1, std::memory_order_release);
    }
    if (helpers >= static_cast<int64_t>(workers.size())) {
      work.notify_all();
    } else {
      for (int64_t i = 0; i < helpers; ++i) work.notify_one();
    }
  }

  void Run(int64_t count, int64_t chunk, const std::function<void(int64_t, int64_t)>& body) {
    if (count <= chunk || workers.empty() || inside_parallel_for) {
      body(0, count);
      return;
    }
    std::lock_guard<std::mutex> one_at_a_time(call_mutex);
    Job opened;
    opened.body = &body;
    opened.count = count;
    opened.chunk = chunk;
    Open(&opened, (count + chunk - 1) / chunk - 1);
    opened.Work();
    CloseAndWait();
  }

  void CloseAndWait() {
    std::unique_lock<std::mutex> lock(mutex);
    job = nullptr;
    lock.unlock();
    for (int i = 0; i < kSpins && active.load(std::memory_order_acquire) != 0; ++i) Relax();
    lock.lock();
    done.wait(lock, [&] { return active.load(std::memory_order_relaxed) == 0; });
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  for (int i = 1; i < threads; ++i) impl_->workers.emplace_back([impl = impl_.get()] { impl->Loop(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->work.notify_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(impl_->workers.size()) + 1; }

void ThreadPool::ParallelFor(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (count <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  // Four chunks a thread: a thread that a neighbour holds up leaves its share to the others.
  const int64_t grains = (count + grain - 1) / grain;
  impl_->Run(count, std::max<int64_t>(1, grains / (4 * threads())) * grain, body);
}

void ThreadPool::ForEach(int64_t count, const std::function<void(int64_t)>& body) {
  if (count <= 0) return;
  impl_->Run(count, 1, [&body](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace baleen
