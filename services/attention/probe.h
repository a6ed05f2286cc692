// The attention worker's metrics.
#ifndef BALEEN_SERVICES_ATTENTION_PROBE_H_
#define BALEEN_SERVICES_ATTENTION_PROBE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"

namespace prometheus {
class Registry;
}

namespace baleen {

// Thread-safe; outlives what it measures.
class AttentionProbe {
 public:
  explicit AttentionProbe(prometheus::Registry& registry);
  ~AttentionProbe();

  void Load(int64_t running, int64_t waiting, float kv_usage, int64_t kv_touched_bytes);
  // A sequence got its first KV blocks.
  void Admitted(absl::Duration waited);
  void Stepped(absl::Duration duration, int64_t rows);
  void StepFailed();
  // `cached_tokens` of the prompt's were found in the prefix cache.
  void Prefilled(int64_t prompt_tokens, int64_t cached_tokens);
  void Generated(int64_t tokens);
  void Preempted(int64_t sequences);
  // A draft was held against the token that the model chose.
  void Verified(bool accepted);
  void PageReceived(size_t bytes);
  void PageSent(size_t bytes);
  // A block was sent to a sequence's standby.
  void BlockCopied(bool kept);
  // A fill by another worker ended.
  void RemotePrefill(bool filled);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PROBE_H_
