// baleen-expert: one shard of the routed experts.
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "services/common/core_flags.h"
#include "services/common/exit_code.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/common/worker_flags.h"
#include "services/expert/expert_server.h"

ABSL_FLAG(int64_t, device_memory_mib, 0, "with --device=cuda: most of the GPU's memory that experts may take; 0 = all it has");

namespace baleen {
namespace {

// What others may take to load this shard's experts, unless --drain_timeout says something else.
constexpr absl::Duration kHandOverTime = absl::Minutes(5);

absl::StatusOr<int> Serve(int argc, char** argv) {
  absl::SetFlag(&FLAGS_drain_timeout, kHandOverTime);
  RETURN_IF_ERROR(ParseServiceFlags(argc, argv, "expert"));
  RETURN_IF_ERROR(ConfineFromFlags());
  ASSIGN_OR_RETURN(const ServerOptions server_options, ServerOptionsFromFlags("expert", PeerRole::kExpert));
  ASSIGN_OR_RETURN(WorkerOptions worker, WorkerOptionsFromFlags());
  const ExpertOptions options{.worker = std::move(worker), .device_memory_mib = absl::GetFlag(FLAGS_device_memory_mib)};
  ASSIGN_OR_RETURN(const std::unique_ptr<ExpertServer> server, ExpertServer::Start(server_options, options));
  return server->RunUntilTerminated();
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) { return baleen::ExitCode(baleen::Serve(argc, argv)); }
