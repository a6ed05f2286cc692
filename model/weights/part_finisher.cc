#include "model/weights/part_finisher.h"

#include <string>
#include <utility>
#include <vector>

namespace baleen {
namespace {

void FinishPart(Checkpoint& checkpoint, const std::vector<std::string>& tensors, WeightUnit& unit) {
  if (const std::vector<TensorDigestEntry>* known = unit.SealedDigests()) {
    checkpoint.SetDigests(*known);
  } else {
    unit.Seal(checkpoint.Digests(tensors));
  }
  checkpoint.ReleasePages(tensors);
}

}  // namespace

PartFinisher::~PartFinisher() {
  if (pending_.valid()) pending_.wait();
}

void PartFinisher::Finish(std::unique_ptr<WeightUnit> unit) {
  if (pending_.valid()) pending_.wait();
  pending_ = std::async(std::launch::async, [checkpoint = checkpoint_, tensors = checkpoint_->TakeRecent(), unit = std::move(unit)] {
    FinishPart(*checkpoint, tensors, *unit);
  });
}

}  // namespace baleen
