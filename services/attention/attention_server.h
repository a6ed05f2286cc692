// The attention process: one model, one block pool, one step loop; serves Decode, Prefill or both.
#ifndef BALEEN_SERVICES_ATTENTION_ATTENTION_SERVER_H_
#define BALEEN_SERVICES_ATTENTION_ATTENTION_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/worker_options.h"

namespace baleen {

class ServerRunner;
struct ServerOptions;

enum class AttentionRole { kPrefill, kDecode, kBoth };

absl::StatusOr<AttentionRole> ParseAttentionRole(absl::string_view name);  // "prefill", "decode", "both"

struct AttentionOptions {
  WorkerOptions worker;
  AttentionRole role = AttentionRole::kBoth;
  int64_t kv_mib = 256;
  int64_t max_batch_tokens = 512;
  int64_t max_num_seqs = 0;  // That gateways give it at a time; 0 = by its threads. It takes more from workers that die.
  int64_t prefill_chunk = 128;
  int64_t local_prefill_tokens = 32;
  bool prefix_cache = true;
  bool kv_standby = true;
  bool mtp = false;
  int tensor_parallel = 1;
  int64_t ping_pong_rows = 0;
  int64_t trace_layer_steps = 0;
};

// Construct before other threads start (see ServerRunner).
class AttentionServer {
 public:
  // Loads the model, then serves and registers. Errors name the flag, file or port.
  static absl::StatusOr<std::unique_ptr<AttentionServer>> Start(const ServerOptions& server, const AttentionOptions& options);
  ~AttentionServer();

  ServerRunner& runner();
  // As ServerRunner's. On SIGTERM: leaves the map and refuses new sequences with UNAVAILABLE. Where another decode worker can take them up,
  // what generates ends with UNAVAILABLE at once; all else has the drain timeout, then ends so too.
  int RunUntilTerminated();

 private:
  struct Impl;
  explicit AttentionServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ATTENTION_SERVER_H_
