// Experts in a GPU's memory, computed there.
#ifndef BALEEN_SERVICES_EXPERT_DEVICE_EXPERT_LOADER_H_
#define BALEEN_SERVICES_EXPERT_DEVICE_EXPERT_LOADER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/device_expert_weights.h"
#include "model/layers/numerics.h"
#include "services/expert/held_experts.h"

namespace baleen {

struct DeviceExpertOptions {
  int computations = 2;      // At a time; each has a stream, staging and scratch of its own.
  int64_t max_slots = 4096;  // (Row, expert) pairs that one computes at a time.
  int64_t most_bytes = 0;    // Of device memory for experts; 0 = no bound.
};

class DeviceExpertLoader final : public ExpertLoader {
 public:
  // The pointers outlive this and its results. Errors: of ExpertFormat::Of, and RESOURCE_EXHAUSTED when host or device has no room.
  static absl::StatusOr<std::unique_ptr<DeviceExpertLoader>> Create(Checkpoint* checkpoint, const ModelConfig* config,
                                                                    const Numerics& numerics, const DeviceExpertOptions& options);
  ~DeviceExpertLoader() override;

  absl::StatusOr<std::shared_ptr<const HeldExperts>> Load(const std::vector<ExpertId>& experts) override;

 private:
  struct Workshop;  // What all results compute with.
  DeviceExpertLoader(Checkpoint* checkpoint, const ModelConfig* config, const ExpertFormat& format, int64_t most_bytes,
                     std::shared_ptr<Workshop> workshop);

  friend class DeviceHeldExperts;

  Checkpoint* const checkpoint_;
  const ModelConfig* const config_;
  const ExpertFormat format_;
  const int64_t most_bytes_;
  const std::shared_ptr<Workshop> workshop_;
  std::shared_ptr<const DeviceExpertWeights> held_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_DEVICE_EXPERT_LOADER_H_
