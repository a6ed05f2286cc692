#include "services/common/worker_options.h"

namespace baleen {

absl::Status CheckWorkerOptions(const WorkerOptions& options) {
  if (options.model_directory.empty()) return absl::InvalidArgumentError("--model names no directory");
  if (options.placement_address.empty()) return absl::InvalidArgumentError("--placement names no host:port");
  if (options.threads < 0 || options.threads > 1024) return absl::InvalidArgumentError("--threads must be in [0, 1024]");
  return absl::OkStatus();
}

}  // namespace baleen
