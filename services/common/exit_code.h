// How the processes' `main` ends.
#ifndef BALEEN_SERVICES_COMMON_EXIT_CODE_H_
#define BALEEN_SERVICES_COMMON_EXIT_CODE_H_

#include "absl/status/statusor.h"

namespace baleen {

// What the process that served ended with; for one that could not start, 1, with the reason in the log.
int ExitCode(const absl::StatusOr<int>& served);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_EXIT_CODE_H_
