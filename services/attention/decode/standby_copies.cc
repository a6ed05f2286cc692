#include "services/attention/decode/standby_copies.h"

#include <utility>

#include "absl/types/span.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/common/standby.h"
#include "services/kv/transfer/block_copier.h"

namespace baleen {

StandbyCopies::StandbyCopies(std::string worker_id, std::string numerics_id, BlockCopier* copier)
    : worker_id_(std::move(worker_id)), numerics_id_(std::move(numerics_id)), copier_(copier) {}

void StandbyCopies::UpdateMap(std::shared_ptr<const v1::ClusterMap> map) {
  const std::lock_guard lock(mu_);
  map_ = std::move(map);
}

void StandbyCopies::OnPublished(const Sequence& sequence) {
  std::shared_ptr<const v1::ClusterMap> map;
  {
    const std::lock_guard lock(mu_);
    map = map_;
  }
  if (map == nullptr) return;
  const SequenceRequest& request = sequence.request;
  const v1::Worker* const standby = StandbyOf(
      *map, {.request_id = request.request_id, .choice = request.sampler.choice, .worker_id = worker_id_, .numerics_id = numerics_id_});
  if (standby == nullptr) return;
  copier_->Copy(sequence.id, standby->info().address(),
                absl::MakeConstSpan(sequence.hashes).subspan(0, static_cast<size_t>(sequence.published)));
}

void StandbyCopies::OnEnded(SequenceId id) { copier_->Forget(id); }

}  // namespace baleen
