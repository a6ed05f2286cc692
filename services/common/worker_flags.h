// The flags of attention workers and expert shards: --model --dtype --threads --shared_weights, and those of device_flags.h and
// transport_flags.h.
#ifndef BALEEN_SERVICES_COMMON_WORKER_FLAGS_H_
#define BALEEN_SERVICES_COMMON_WORKER_FLAGS_H_

#include "absl/status/statusor.h"
#include "services/common/worker_options.h"

namespace baleen {

// As the flags say; those of service_flags.h too that say where the worker belongs. Errors are DeviceFromFlags'.
absl::StatusOr<WorkerOptions> WorkerOptionsFromFlags();

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_WORKER_FLAGS_H_
