#include "services/common/worker_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "base/status_macros.h"
#include "services/common/device_flags.h"
#include "services/common/service_flags.h"
#include "services/common/transport_flags.h"

ABSL_FLAG(std::string, model, "", "directory of the checkpoint, in Hugging Face layout");
ABSL_FLAG(std::string, dtype, "auto", "auto (bf16; on a GPU fp8 where the checkpoint is), bf16, f32, int8 or fp8 (weights in eight bits)");
ABSL_FLAG(int, threads, 0, "threads of the kernels; 0 = one per core it may use");
ABSL_FLAG(std::string, shared_weights, "", "directory of packed weights that this host's processes hold once; empty = none");

namespace baleen {

absl::StatusOr<WorkerOptions> WorkerOptionsFromFlags() {
  ASSIGN_OR_RETURN(const Device device, DeviceFromFlags());
  return WorkerOptions{.model_directory = absl::GetFlag(FLAGS_model),
                       .device = device,
                       .dtype = absl::GetFlag(FLAGS_dtype),
                       .threads = absl::GetFlag(FLAGS_threads),
                       .shared_weights = absl::GetFlag(FLAGS_shared_weights),
                       .placement_address = absl::GetFlag(FLAGS_placement),
                       .failure_domain = absl::GetFlag(FLAGS_failure_domain),
                       .transport = TransportOptionsFromFlags()};
}

}  // namespace baleen
