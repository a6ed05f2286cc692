#include "services/common/core_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "base/cores.h"

ABSL_FLAG(std::string, cores, "", "cores to run on, such as 0-3,8; empty = all that the process may use");
ABSL_FLAG(int, numa_node, -1, "run on this NUMA node's cores, with its memory alone; -1 = anywhere");

namespace baleen {

absl::Status ConfineFromFlags() { return ConfineTo({.cores = absl::GetFlag(FLAGS_cores), .numa_node = absl::GetFlag(FLAGS_numa_node)}); }

}  // namespace baleen
