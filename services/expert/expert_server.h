// The process of one expert shard.
#ifndef BALEEN_SERVICES_EXPERT_EXPERT_SERVER_H_
#define BALEEN_SERVICES_EXPERT_EXPERT_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/layers/numerics.h"
#include "services/common/worker_transport.h"

namespace baleen {

struct ServerOptions;

struct ExpertOptions {
  std::string model_directory;
  Device device = Device::kCpu;
  std::string dtype = "auto";  // See ChooseNumerics.
  std::string placement_address;
  std::string failure_domain;       // Empty = only itself.
  int threads = 0;                  // 0 = one per core it may use.
  std::string shared_weights = "";  // Directory of SharedWeights; empty = none. On a GPU nothing is shared.
  int64_t device_memory_mib = 0;    // On a GPU, for experts; 0 = all it has.
  WorkerTransportOptions transport = {};
};

// Ready when registered with all assigned experts loaded. On SIGTERM: goes on until its experts are loaded elsewhere, deregisters, answers
// what is queued, stops.
class ExpertServer {
 public:
  // Opens the checkpoint, serves and registers. Errors name the flag, file or port. Call before other threads start (see ServerRunner).
  static absl::StatusOr<std::unique_ptr<ExpertServer>> Start(const ServerOptions& server, const ExpertOptions& options);
  ~ExpertServer();

  std::string address() const;  // Of its gRPC server.
  absl::Status Ready() const;
  // Blocks until SIGTERM or SIGINT; returns the exit code.
  int RunUntilTerminated();
  void RequestStop();

 private:
  struct Impl;
  explicit ExpertServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_EXPERT_SERVER_H_
