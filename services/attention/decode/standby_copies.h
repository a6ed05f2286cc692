// Keeps a copy of each sequence's full KV blocks at its standby, so that it goes on there with a block's rows to fill at most.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_STANDBY_COPIES_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_STANDBY_COPIES_H_

#include <memory>
#include <mutex>
#include <string>

#include "services/attention/worker/kv_standby.h"

namespace baleen {

class BlockCopier;

namespace v1 {
class ClusterMap;
}

// UpdateMap is thread-safe. Where no map names a standby nothing is copied.
class StandbyCopies final : public KvStandby {
 public:
  // `copier` outlives this. Copies go to workers with these numerics, never to `worker_id`.
  StandbyCopies(std::string worker_id, std::string numerics_id, BlockCopier* copier);

  void UpdateMap(std::shared_ptr<const v1::ClusterMap> map);
  void OnPublished(const Sequence& sequence) override;
  void OnEnded(SequenceId id) override;

 private:
  const std::string worker_id_;
  const std::string numerics_id_;
  BlockCopier* const copier_;
  std::mutex mu_;
  std::shared_ptr<const v1::ClusterMap> map_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_STANDBY_COPIES_H_
