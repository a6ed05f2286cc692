// A thread for each GPU that takes part in computing one network.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_RANK_THREADS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_RANK_THREADS_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"

namespace baleen {

// One Run at a time. Rank r's thread has selected device r; the first rank's is the caller's, which selected none.
class RankThreads {
 public:
  explicit RankThreads(int ranks);
  ~RankThreads();
  RankThreads(const RankThreads&) = delete;
  RankThreads& operator=(const RankThreads&) = delete;

  // Calls body(rank) on all threads at the same time and returns when all are done: the lowest rank's error.
  absl::Status Run(const std::function<absl::Status(int rank)>& body);

 private:
  void Serve(int rank);

  std::mutex mu_;
  std::condition_variable changed_;
  const std::function<absl::Status(int)>* body_ = nullptr;
  int64_t round_ = 0;  // -1: the end.
  int running_ = 0;    // Of the other threads.
  std::vector<absl::Status> outcomes_;
  std::vector<std::thread> threads_;  // Of all ranks but the first.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_RANK_THREADS_H_
