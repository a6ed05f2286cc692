// The experts that placement assigned to this shard: loads them, says what is loaded.
#ifndef BALEEN_SERVICES_EXPERT_EXPERT_HOLDER_H_
#define BALEEN_SERVICES_EXPERT_EXPERT_HOLDER_H_

#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/weights/expert_weights.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/expert/expert_service.h"
#include "services/expert/held_experts.h"

namespace baleen {

// Thread-safe; Assign has one caller at a time. All pointers outlive this.
class ExpertHolder {
 public:
  // `loader` reads from `checkpoint`.
  ExpertHolder(const Checkpoint* checkpoint, const ModelConfig* config, ExpertLoader* loader, ExpertService* service);

  // Loads what of `ranges` is not held and gives them all to the service in one swap; what was held answers until then. When some cannot be
  // loaded, the service gets the others, and the error names the first of those that are missing. INVALID_ARGUMENT, and nothing changes,
  // for ids that are not in the model.
  absl::Status Assign(const std::vector<v1::ExpertRange>& ranges);

  // Loaded ranges, and the digests of the tensors read so far, if any was loaded since the last report: a shard has tens of thousands of
  // them, which PlacementClient keeps.
  void Report(v1::HeartbeatRequest* heartbeat);
  // OK when it holds experts, be they those of the newest assignment or of the one before while that is being loaded. After a failure its
  // error, until an Assign succeeds.
  absl::Status Ready() const;

 private:
  struct Loaded {
    std::vector<ExpertId> ids;
    std::shared_ptr<const HeldExperts> experts;  // All of `ids`; null while no load has succeeded.
  };

  absl::Status LoadAndPublish(const std::vector<v1::ExpertRange>& ranges);
  // Adds to `loaded` those of `missing` that can be loaded, and returns the first error: by halves, so that few loads find the others.
  absl::Status Load(absl::Span<const ExpertId> missing, Loaded* loaded);
  // Frees what is held no more, on the caller's thread.
  void Publish(Loaded loaded);

  const Checkpoint* const checkpoint_;
  const ModelConfig* const config_;
  ExpertLoader* const loader_;
  ExpertService* const service_;

  std::shared_ptr<const HeldExperts> held_;  // Of Assign's caller: what the service has.

  mutable std::mutex mu_;
  std::vector<v1::ExpertRange> loaded_;
  std::vector<TensorDigestEntry> unreported_;
  bool failing_ = false;  // The last Assign that ended failed.
  absl::Status ready_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_EXPERT_HOLDER_H_
