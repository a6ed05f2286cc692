// Loading the parts of a checkpoint side by side.
#ifndef BALEEN_MODEL_WEIGHTS_LOAD_PARTS_H_
#define BALEEN_MODEL_WEIGHTS_LOAD_PARTS_H_

#include <cstddef>
#include <functional>

#include "absl/status/status.h"
#include "model/checkpoint/checkpoint.h"
#include "model/weights/part_finisher.h"

namespace baleen {

// Loads part `part`, whose end is the finisher's. Called by one thread at a time for a part, by several for different parts.
using LoadPart = std::function<absl::Status(size_t part, PartFinisher* finisher)>;

// Parts [0, count) in ascending order, each by the thread that comes to it first; this thread is one of `threads` (>= 1) and each has a
// finisher of its own. After a failure no more are begun; of several failures the lowest part's is returned.
absl::Status LoadParts(Checkpoint* checkpoint, size_t count, int threads, const LoadPart& load);

// Threads for so many parts on all cores that this process has, at least one.
int LoadThreads(size_t parts);

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_LOAD_PARTS_H_
