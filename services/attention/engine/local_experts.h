// Routed experts in this process.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_LOCAL_EXPERTS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_LOCAL_EXPERTS_H_

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "model/layers/expert_backend.h"
#include "model/layers/expert_compute.h"
#include "model/weights/expert_weights.h"

namespace baleen {

// The same bits as shards give. NOT_FOUND from Wait when an expert is not held.
class LocalExperts final : public ExpertBackend {
 public:
  // Both outlive this.
  LocalExperts(const ExpertWeights* weights, ThreadPool* pool);

  // Computes at once.
  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override;

 private:
  absl::Status Compute(const ExpertBatch& batch);

  const ExpertWeights* weights_;
  ThreadPool* pool_;
  std::vector<ExpertSlot> slots_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_LOCAL_EXPERTS_H_
