// baleen-expert: one shard of the routed experts.
#include <cstdint>
#include <string>

#include "absl/flags/flag.h"
#include "services/common/core_flags.h"
#include "services/common/device_flags.h"
#include "services/common/log.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/common/transport_flags.h"
#include "services/expert/expert_server.h"

ABSL_FLAG(std::string, model, "", "directory of the checkpoint, in Hugging Face layout");
ABSL_FLAG(std::string, dtype, "auto", "auto (bf16; on a GPU fp8 where the checkpoint is), bf16, f32, int8 or fp8 (weights in eight bits)");
ABSL_FLAG(std::string, shared_weights, "", "directory of packed weights that this host's processes hold once; empty = none");
ABSL_FLAG(int64_t, device_memory_mib, 0, "with --device=cuda: most of the GPU's memory that experts may take; 0 = all it has");
ABSL_FLAG(int, threads, 0, "threads of the kernels; 0 = one per core it may use");

namespace {

// What others may take to load this shard's experts, unless --drain_timeout says something else.
constexpr absl::Duration kHandOverTime = absl::Minutes(5);

absl::Status Run(int argc, char** argv, int* exit_code) {
  absl::SetFlag(&FLAGS_drain_timeout, kHandOverTime);
  absl::Status status = baleen::ParseServiceFlags(argc, argv, "expert");
  if (status.ok()) status = baleen::ConfineFromFlags();
  if (!status.ok()) return status;
  const auto options = baleen::ServerOptionsFromFlags("expert", baleen::PeerRole::kExpert);
  if (!options.ok()) return options.status();
  const auto device = baleen::DeviceFromFlags();
  if (!device.ok()) return device.status();
  auto server = baleen::ExpertServer::Start(*options, {.model_directory = absl::GetFlag(FLAGS_model),
                                                       .device = *device,
                                                       .dtype = absl::GetFlag(FLAGS_dtype),
                                                       .placement_address = absl::GetFlag(FLAGS_placement),
                                                       .failure_domain = absl::GetFlag(FLAGS_failure_domain),
                                                       .threads = absl::GetFlag(FLAGS_threads),
                                                       .shared_weights = absl::GetFlag(FLAGS_shared_weights),
                                                       .device_memory_mib = absl::GetFlag(FLAGS_device_memory_mib),
                                                       .transport = baleen::TransportOptionsFromFlags()});
  if (!server.ok()) return server.status();
  *exit_code = (*server)->RunUntilTerminated();
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 1;
  const absl::Status status = Run(argc, argv, &exit_code);
  if (!status.ok()) baleen::Log(baleen::LogLevel::kError, "cannot_start", {{"reason", std::string(status.message())}});
  return exit_code;
}
