// A decode worker that says what a test wrote down.
#ifndef BALEEN_SERVICES_GATEWAY_TESTING_SCRIPTED_DECODE_H_
#define BALEEN_SERVICES_GATEWAY_TESTING_SCRIPTED_DECODE_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/baleen/v1/attention.pb.h"
#include "services/gateway/generation/decode_stream.h"
#include "services/gateway/generation/worker_picker.h"

namespace baleen {

struct DecodeScript {
  std::vector<int32_t> tokens = {};
  v1::FinishReason finish = v1::FINISH_REASON_STOP;
  uint32_t prompt_cache_hit_tokens = 0;
  absl::Status failure = {};  // Instead of the tokens from `failure_after` on, and of the end.
  bool silent = false;        // No end: the sequence waits after its tokens, or for the first.
  size_t failure_after = 0;
};

// Thread-safe. Every event comes from within Open. Each token has the log-probability -0.5 and, as far as the request asks for
// alternatives, itself and then the ids that follow it, 1 less likely each.
class ScriptedDecode final : public DecodeDialer {
 public:
  explicit ScriptedDecode(DecodeScript script) : script_(std::move(script)) {}

  std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence start, DecodeCallbacks callbacks) override;

  const std::vector<int32_t>& tokens() const { return script_.tokens; }
  std::vector<v1::StartSequence> starts() const;
  int cancelled() const;
  // False when no sequence was started within ten seconds.
  bool WaitForStart() const;

 private:
  class Stream;

  const DecodeScript script_;
  mutable std::mutex mutex_;
  mutable std::condition_variable started_;
  std::vector<v1::StartSequence> starts_;
  const std::shared_ptr<std::atomic<int>> cancelled_ = std::make_shared<std::atomic<int>>(0);  // Streams may outlive this.
};

// Shows `picker` one ready decode worker.
void AddReadyWorker(WorkerPicker* picker);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TESTING_SCRIPTED_DECODE_H_
