// Memory of a service holds users' text and KV derived from it: it does not go to disk.
#ifndef BALEEN_SERVICES_COMMON_CORE_DUMPS_H_
#define BALEEN_SERVICES_COMMON_CORE_DUMPS_H_

#include "absl/status/status.h"

namespace baleen {

// No core file of this process: RLIMIT_CORE is 0, and the process is not dumpable, since a core_pattern that is a pipe does not ask for the
// limit. Not dumpable also means that other processes of the same user can neither attach to it nor read its memory.
absl::Status ForbidCoreDumps();

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CORE_DUMPS_H_
