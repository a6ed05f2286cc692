// Experts in this process's memory, computed by its threads.
#ifndef BALEEN_SERVICES_EXPERT_CPU_EXPERTS_H_
#define BALEEN_SERVICES_EXPERT_CPU_EXPERTS_H_

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "model/weights/expert_weights.h"
#include "model/weights/shared_weights.h"
#include "services/expert/held_experts.h"

namespace baleen {

class CpuExpertLoader final : public ExpertLoader {
 public:
  // All pointers outlive this and its results; `shared_weights` may be null.
  CpuExpertLoader(Checkpoint* checkpoint, const ModelConfig* config, const Numerics& numerics, ThreadPool* pool,
                  SharedWeights* shared_weights);

  absl::StatusOr<std::shared_ptr<const HeldExperts>> Load(const std::vector<ExpertId>& experts) override;

 private:
  Checkpoint* const checkpoint_;
  const ModelConfig* const config_;
  const Numerics numerics_;
  ThreadPool* const pool_;
  SharedWeights* const shared_weights_;
  std::shared_ptr<const ExpertWeights> held_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_CPU_EXPERTS_H_
