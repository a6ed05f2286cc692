// baleen-attention: owns sequences, runs everything of the network but the routed experts.
#include <cstdint>
#include <string>

#include "absl/flags/flag.h"
#include "services/attention/attention_server.h"
#include "services/common/core_flags.h"
#include "services/common/device_flags.h"
#include "services/common/log.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/common/transport_flags.h"

ABSL_FLAG(std::string, role, "both", "prefill, decode or both");
ABSL_FLAG(std::string, model, "", "directory of the checkpoint, in Hugging Face layout");
ABSL_FLAG(std::string, dtype, "auto", "auto (bf16; on a GPU fp8 where the checkpoint is), bf16, f32, int8 or fp8 (weights in eight bits)");
ABSL_FLAG(int64_t, kv_mib, 256, "memory for latent KV; with --device=cuda the GPU's, on each of them");
ABSL_FLAG(int, threads, 0, "threads of the kernels; 0 = one per core it may use");
ABSL_FLAG(int64_t, max_batch_tokens, 512, "rows of one step");
ABSL_FLAG(int64_t, max_num_seqs, 0,
          "sequences that gateways give it at a time; 0 = 16 for each of the threads, at most half of max_batch_tokens");
ABSL_FLAG(int64_t, prefill_chunk, 128, "rows of one sequence's prefill in a step");
ABSL_FLAG(int64_t, local_prefill_tokens, 32, "sequences up to this length are prefilled by the decode worker itself");
ABSL_FLAG(bool, prefix_cache, true, "keep the KV of finished sequences, so that prompts that begin alike are not computed again");
ABSL_FLAG(std::string, shared_weights, "", "directory of packed weights that this host's processes hold once; empty = none");
ABSL_FLAG(bool, mtp, false, "draft with the checkpoint's next-token layer; the same tokens, fewer steps");
ABSL_FLAG(int, tensor_parallel, 1,
          "GPUs that compute attention and logits together, of those that CUDA_VISIBLE_DEVICES shows; the same tokens");
ABSL_FLAG(int64_t, trace_layer_steps, 0, "every so-manieth step of a traced request is traced layer by layer; 0 = none");
ABSL_FLAG(int64_t, ping_pong_rows, 0, "steps of at least this many rows run as two micro-batches; 0 = never");

namespace {

absl::Status Run(int argc, char** argv, int* exit_code) {
  absl::Status status = baleen::ParseServiceFlags(argc, argv, "attention");
  if (status.ok()) status = baleen::ConfineFromFlags();
  if (!status.ok()) return status;
  const auto role = baleen::ParseAttentionRole(absl::GetFlag(FLAGS_role));
  if (!role.ok()) return role.status();
  const std::string name = absl::GetFlag(FLAGS_role) == "both" ? "attention" : absl::GetFlag(FLAGS_role);
  baleen::SetLogRole(name);
  const auto options = baleen::ServerOptionsFromFlags(name, baleen::PeerRole::kAttention);
  if (!options.ok()) return options.status();
  const auto device = baleen::DeviceFromFlags();
  if (!device.ok()) return device.status();
  auto server = baleen::AttentionServer::Start(*options, {.role = *role,
                                                          .model_directory = absl::GetFlag(FLAGS_model),
                                                          .device = *device,
                                                          .dtype = absl::GetFlag(FLAGS_dtype),
                                                          .placement_address = absl::GetFlag(FLAGS_placement),
                                                          .failure_domain = absl::GetFlag(FLAGS_failure_domain),
                                                          .kv_mib = absl::GetFlag(FLAGS_kv_mib),
                                                          .threads = absl::GetFlag(FLAGS_threads),
                                                          .max_batch_tokens = absl::GetFlag(FLAGS_max_batch_tokens),
                                                          .max_num_seqs = absl::GetFlag(FLAGS_max_num_seqs),
                                                          .prefill_chunk = absl::GetFlag(FLAGS_prefill_chunk),
                                                          .local_prefill_tokens = absl::GetFlag(FLAGS_local_prefill_tokens),
                                                          .prefix_cache = absl::GetFlag(FLAGS_prefix_cache),
                                                          .mtp = absl::GetFlag(FLAGS_mtp),
                                                          .tensor_parallel = absl::GetFlag(FLAGS_tensor_parallel),
                                                          .ping_pong_rows = absl::GetFlag(FLAGS_ping_pong_rows),
                                                          .shared_weights = absl::GetFlag(FLAGS_shared_weights),
                                                          .trace_layer_steps = absl::GetFlag(FLAGS_trace_layer_steps),
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
