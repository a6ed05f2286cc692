// Which cores a process computes on, and which memory it takes.
#ifndef BALEEN_BASE_CORES_H_
#define BALEEN_BASE_CORES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

struct ComputePlace {
  std::string cores = "";  // As "0-3,8", of those that this process may run on; empty = all of them.
  int numa_node = -1;      // Its cores, and its memory alone; -1 = any.
};

// "0-3,8" -> {0, 1, 2, 3, 8}: ascending, each once. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::vector<int>> ParseCores(absl::string_view list);

// Confines the calling thread, and all that it and its descendants start later: call it before there are others. Memory that is first
// touched later comes from the node, or the allocation fails. INVALID_ARGUMENT names the flag (--cores or --numa_node) and what the
// machine has; nothing is changed then.
absl::Status ConfineTo(const ComputePlace& place);

// Cores that the calling thread may run on, at least 1.
int AvailableCores();

}  // namespace baleen

#endif  // BALEEN_BASE_CORES_H_
