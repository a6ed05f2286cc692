// baleen-attention: owns sequences, runs everything of the network but the routed experts.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "base/status_macros.h"
#include "services/attention/attention_server.h"
#include "services/common/core_flags.h"
#include "services/common/exit_code.h"
#include "services/common/log.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/common/worker_flags.h"

ABSL_FLAG(std::string, role, "both", "prefill, decode or both");
ABSL_FLAG(int64_t, kv_mib, 256, "memory for latent KV; with --device=cuda the GPU's, on each of them");
ABSL_FLAG(int64_t, max_batch_tokens, 512, "rows of one step");
ABSL_FLAG(int64_t, max_num_seqs, 0,
          "sequences that gateways give it at a time; 0 = 16 for each of the threads, at most half of max_batch_tokens");
ABSL_FLAG(int64_t, prefill_chunk, 128, "rows of one sequence's prefill in a step");
ABSL_FLAG(int64_t, local_prefill_tokens, 32, "sequences up to this length are prefilled by the decode worker itself");
ABSL_FLAG(bool, prefix_cache, true, "keep the KV of finished sequences, so that prompts that begin alike are not computed again");
ABSL_FLAG(bool, kv_standby, true,
          "copy sequences' KV into the prefix cache of the decode worker that goes on with them if this one dies; needs --prefix_cache");
ABSL_FLAG(bool, mtp, false, "draft with the checkpoint's next-token layer; the same tokens, fewer steps");
ABSL_FLAG(int, tensor_parallel, 1,
          "GPUs that compute attention and logits together, of those that CUDA_VISIBLE_DEVICES shows; the same tokens");
ABSL_FLAG(int64_t, trace_layer_steps, 0, "every so-manieth step of a traced request is traced layer by layer; 0 = none");
ABSL_FLAG(int64_t, ping_pong_rows, 0, "steps of at least this many rows run as two micro-batches; 0 = never");

namespace baleen {
namespace {

absl::StatusOr<AttentionOptions> OptionsFromFlags(AttentionRole role) {
  ASSIGN_OR_RETURN(WorkerOptions worker, WorkerOptionsFromFlags());
  return AttentionOptions{.worker = std::move(worker),
                          .role = role,
                          .kv_mib = absl::GetFlag(FLAGS_kv_mib),
                          .max_batch_tokens = absl::GetFlag(FLAGS_max_batch_tokens),
                          .max_num_seqs = absl::GetFlag(FLAGS_max_num_seqs),
                          .prefill_chunk = absl::GetFlag(FLAGS_prefill_chunk),
                          .local_prefill_tokens = absl::GetFlag(FLAGS_local_prefill_tokens),
                          .prefix_cache = absl::GetFlag(FLAGS_prefix_cache),
                          .kv_standby = absl::GetFlag(FLAGS_kv_standby),
                          .mtp = absl::GetFlag(FLAGS_mtp),
                          .tensor_parallel = absl::GetFlag(FLAGS_tensor_parallel),
                          .ping_pong_rows = absl::GetFlag(FLAGS_ping_pong_rows),
                          .trace_layer_steps = absl::GetFlag(FLAGS_trace_layer_steps)};
}

absl::StatusOr<int> Serve(int argc, char** argv) {
  RETURN_IF_ERROR(ParseServiceFlags(argc, argv, "attention"));
  RETURN_IF_ERROR(ConfineFromFlags());
  ASSIGN_OR_RETURN(const AttentionRole role, ParseAttentionRole(absl::GetFlag(FLAGS_role)));
  const std::string name = role == AttentionRole::kBoth ? "attention" : absl::GetFlag(FLAGS_role);
  SetLogRole(name);
  ASSIGN_OR_RETURN(const ServerOptions server_options, ServerOptionsFromFlags(name, PeerRole::kAttention));
  ASSIGN_OR_RETURN(const AttentionOptions options, OptionsFromFlags(role));
  ASSIGN_OR_RETURN(const std::unique_ptr<AttentionServer> server, AttentionServer::Start(server_options, options));
  return server->RunUntilTerminated();
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) { return baleen::ExitCode(baleen::Serve(argc, argv)); }
