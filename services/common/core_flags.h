// The flags that say where a worker computes: --cores --numa_node.
#ifndef BALEEN_SERVICES_COMMON_CORE_FLAGS_H_
#define BALEEN_SERVICES_COMMON_CORE_FLAGS_H_

#include "absl/status/status.h"

namespace baleen {

// ConfineTo (base/cores.h) as the flags say; before the process starts other threads.
absl::Status ConfineFromFlags();

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CORE_FLAGS_H_
