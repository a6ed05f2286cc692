// The experts that a shard computes with, wherever their weights are.
#ifndef BALEEN_SERVICES_EXPERT_HELD_EXPERTS_H_
#define BALEEN_SERVICES_EXPERT_HELD_EXPERTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/layers/expert_compute.h"
#include "model/weights/expert_weights.h"

namespace baleen {

// Immutable once made; thread-safe.
class HeldExperts {
 public:
  virtual ~HeldExperts() = default;
  virtual size_t size() const = 0;  // (Layer, expert) pairs.
  virtual bool Has(int layer, uint32_t expert) const = 0;
  // Memory for a reply's outputs. RESOURCE_EXHAUSTED: there is none.
  virtual absl::StatusOr<std::shared_ptr<std::byte[]>> ReplyMemory(size_t bytes) const {
    return std::make_shared_for_overwrite<std::byte[]>(bytes);
  }
  // Writes the outputs, which lie in ReplyMemory, of slots of the shape's dtype, all of held experts; see ComputeExperts. INTERNAL: the
  // device failed.
  virtual absl::Status Compute(int layer, absl::Span<const ExpertSlot> slots) const = 0;
};

// Thread-compatible.
class ExpertLoader {
 public:
  virtual ~ExpertLoader() = default;
  // These experts; those that the last result has too are shared with it, not read again. Errors as ExpertWeights::Load's.
  virtual absl::StatusOr<std::shared_ptr<const HeldExperts>> Load(const std::vector<ExpertId>& experts) = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_HELD_EXPERTS_H_
