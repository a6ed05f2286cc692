// What becomes of a worker whose device failed.
#ifndef BALEEN_SERVICES_COMMON_DEVICE_FAILURE_H_
#define BALEEN_SERVICES_COMMON_DEVICE_FAILURE_H_

#include "absl/status/status.h"

namespace baleen {

// Ends the process at once, with a line in the log: what a failed device gives is wrong or nothing until the process that uses it has
// ended, and other workers go on with what this one had.
[[noreturn]] void EndWithTheDevice(const absl::Status& failure);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_DEVICE_FAILURE_H_
