// The end of loading one layer, expert or other part.
#ifndef BALEEN_MODEL_WEIGHTS_PART_FINISHER_H_
#define BALEEN_MODEL_WEIGHTS_PART_FINISHER_H_

#include <future>
#include <memory>

#include "model/checkpoint/checkpoint.h"
#include "model/weights/shared_weights.h"

namespace baleen {

// Computes the digests of a part's tensors, seals its unit and gives the tensors' memory back, on a thread of its own while the next part
// is packed: hashing takes as long as packing. Not thread-safe; the checkpoint must outlive it.
class PartFinisher {
 public:
  explicit PartFinisher(Checkpoint* checkpoint) : checkpoint_(checkpoint) {}
  ~PartFinisher();  // Waits for the last part.

  // The part is what this thread asked of the checkpoint since the last one, packed into `unit`. Waits for the part before it.
  void Finish(std::unique_ptr<WeightUnit> unit);

 private:
  Checkpoint* const checkpoint_;
  std::future<void> pending_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_PART_FINISHER_H_
