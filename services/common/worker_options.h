// What attention workers and expert shards are told alike.
#ifndef BALEEN_SERVICES_COMMON_WORKER_OPTIONS_H_
#define BALEEN_SERVICES_COMMON_WORKER_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "model/layers/numerics.h"
#include "services/common/worker_transport.h"

namespace baleen {

struct WorkerOptions {
  std::string model_directory;
  Device device = Device::kCpu;
  std::string dtype = "auto";       // See ChooseNumerics.
  int threads = 0;                  // 0 = one per core it may use.
  std::string shared_weights = "";  // Directory of SharedWeights; empty = none. On a GPU nothing is shared.
  std::string placement_address;
  std::string failure_domain = "";  // Empty = only itself.
  WorkerTransportOptions transport = {};
};

// INVALID_ARGUMENT names the flag that lacks a value or has one out of range.
absl::Status CheckWorkerOptions(const WorkerOptions& options);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_WORKER_OPTIONS_H_
