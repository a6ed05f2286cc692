// Fork-join over a fixed set of threads, one pool a process.
#ifndef BALEEN_BASE_THREAD_POOL_H_
#define BALEEN_BASE_THREAD_POOL_H_

#include <cstdint>
#include <functional>
#include <memory>

namespace baleen {

// Splits index ranges over its threads. Which thread runs which index never changes a result: callers give
// each index its own output. One ParallelFor at a time; nested calls run inline. Threads sleep when idle after a
// spin of microseconds, since the cores are shared with neighbours.
class ThreadPool {
 public:
  // `threads` >= 1 counts the caller of ParallelFor.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  // Calls body(begin, end) over disjoint ranges that cover [0, count), each a multiple of `grain` long but the last.
  // Returns when all are done. Runs inline when count <= grain.
  void ParallelFor(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

  // As ParallelFor, for bodies of unequal length: indices are handed out one at a time, in ascending order.
  void ForEach(int64_t count, const std::function<void(int64_t)>& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_BASE_THREAD_POOL_H_
