// The experts of a running cluster as a backend: what an attention worker has, without the worker.
#ifndef BALEEN_TOOLS_BENCH_REMOTE_EXPERTS_H_
#define BALEEN_TOOLS_BENCH_REMOTE_EXPERTS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/config/model_config.h"
#include "model/layers/expert_backend.h"
#include "model/layers/numerics.h"

namespace baleen {

class RemoteExperts {
 public:
  // Registers with placement at host:port as a decode worker that takes no requests, and waits until every routed expert has a shard.
  // DEADLINE_EXCEEDED says what is missing after `timeout`. `transport` as WorkerTransportOptions has it.
  static absl::StatusOr<std::unique_ptr<RemoteExperts>> Connect(const std::string& placement, const std::string& model_id,
                                                                const ModelConfig& config, const Numerics& numerics,
                                                                const std::string& transport, absl::Duration timeout);
  ~RemoteExperts();

  ExpertBackend& backend();

 private:
  struct Impl;
  explicit RemoteExperts(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_TOOLS_BENCH_REMOTE_EXPERTS_H_
