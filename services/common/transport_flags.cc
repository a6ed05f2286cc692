#include "services/common/transport_flags.h"

#include <string>

#include "absl/flags/flag.h"

ABSL_FLAG(std::string, transport, "auto", "auto (UCX where both ends have it), grpc, or ucx (do not start without it)");
ABSL_FLAG(std::string, ucx_devices, "sm", "what UCX may use, with commas between: sm (shared memory) and network devices such as mlx5_0:1");

namespace baleen {

WorkerTransportOptions TransportOptionsFromFlags() {
  return {.transport = absl::GetFlag(FLAGS_transport), .ucx_devices = absl::GetFlag(FLAGS_ucx_devices)};
}

}  // namespace baleen
