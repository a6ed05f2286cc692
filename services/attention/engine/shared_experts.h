// One exchange with the routed experts for all GPUs that compute a step together: their rows are the same.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_SHARED_EXPERTS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_SHARED_EXPERTS_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "model/layers/expert_backend.h"

namespace baleen {

// The first rank sends its batches on, every other rank's get the same outputs or the same error. All ranks dispatch the same batches in
// the same order, each on a thread of its own.
class SharedExperts {
 public:
  explicit SharedExperts(int ranks);
  ~SharedExperts();

  // A step's, in which nothing has been dispatched yet.
  void Begin(ExpertBackend* experts);
  ExpertBackend& Of(int rank) { return *ranks_[static_cast<size_t>(rank)]; }
  // Whether the step's experts failed, for all ranks.
  bool failed() const;
  // From any thread, when a rank failed alone: whoever waits for another rank gets `cause`.
  void Abort(const absl::Status& cause);

 private:
  class FirstRank;
  class OtherRank;

  // The first rank's outcome of a batch; its outputs stay until all have let go of them.
  absl::Status Publish(const ExpertBatch& batch, absl::Status outcome);
  void AwaitReaders();
  // The outcome of the batch after the one that this rank took last, once it is there.
  absl::Status Take(size_t rank, const ExpertBatch& batch);
  void LetGo();

  mutable std::mutex mu_;
  std::condition_variable changed_;
  ExpertBackend* experts_ = nullptr;
  int64_t published_ = 0;       // Batches of the step.
  std::vector<int64_t> taken_;  // Of these, by each rank.
  size_t readers_ = 0;          // Ranks that have not let go of the last one.
  const std::byte* const* outputs_ = nullptr;
  absl::Status outcome_;
  absl::Status aborted_;
  std::vector<std::unique_ptr<ExpertBackend>> ranks_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_SHARED_EXPERTS_H_
