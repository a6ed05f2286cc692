// Packed weights that the processes of one host hold once.
#ifndef BALEEN_MODEL_WEIGHTS_SHARED_WEIGHTS_H_
#define BALEEN_MODEL_WEIGHTS_SHARED_WEIGHTS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/panel_source.h"
#include "model/checkpoint/checkpoint.h"
#include "model/layers/numerics.h"

namespace baleen {

// The panels of one layer, expert or other part, always taken in the same order. Not thread-safe.
class WeightUnit : public PanelSource {
 public:
  // After the last take of a unit that was not filled before: it is shared from now on, and is read-only. Without it nobody else sees it.
  // `digests`: of the tensors that it was packed from.
  virtual void Seal(const std::vector<TensorDigestEntry>& digests) = 0;
  // Those that it was sealed with by who filled it; null where it is to be filled here.
  virtual const std::vector<TensorDigestEntry>* SealedDigests() const { return nullptr; }
};

// A directory of panels, a file a unit, that processes of one user map. Whoever comes first to a unit fills it while the others wait. Files
// bear the identity of checkpoint, numerics and layout, so that others' are never taken. They must not be changed; they may be removed at
// any time. Thread-safe.
class SharedWeights {
 public:
  // Makes the directory, for this user alone, where it is missing. FAILED_PRECONDITION where that fails or others may write to it.
  static absl::StatusOr<std::unique_ptr<SharedWeights>> Open(const std::string& directory, const Checkpoint& checkpoint,
                                                             const Numerics& numerics);

  // A unit takes memory of this process alone where its file has no room or cannot be made, and where another process fills it for ten
  // seconds.
  std::unique_ptr<WeightUnit> OpenUnit(const std::string& name);

  // Where this process begins among units that others load at the same time: each fills what the others then map.
  size_t Start(size_t units) const;

 private:
  SharedWeights(std::string directory, std::string identity);

  const std::string directory_;
  const std::string identity_;
};

// A unit of `shared`, or one of this process alone where that is null.
std::unique_ptr<WeightUnit> OpenUnit(SharedWeights* shared, const std::string& name);

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_SHARED_WEIGHTS_H_
