// The process of one expert shard.
#ifndef BALEEN_SERVICES_EXPERT_EXPERT_SERVER_H_
#define BALEEN_SERVICES_EXPERT_EXPERT_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/worker_options.h"

namespace baleen {

struct ServerOptions;

struct ExpertOptions {
  WorkerOptions worker;
  int64_t device_memory_mib = 0;  // On a GPU, for experts; 0 = all it has.
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
