// One Decode.Run stream: one sequence from StartSequence to FinishEvent.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_DECODE_STREAM_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_DECODE_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/decode/resume_table.h"
#include "services/attention/decode/start_sequence.h"
#include "services/attention/scheduler/sequence.h"

namespace baleen {

class SpanExporter;
class StepLoop;

// Between gRPC's threads and the step loop's. At most kMaxBuffered events wait for the wire: then the sequence pauses, so a slow reader
// costs KV until its deadline but no memory. Owns itself until gRPC is done with it; the loop may hold it longer.
class DecodeStream final : public grpc::ServerBidiReactor<v1::DecodeCommand, v1::DecodeEvent>,
                           public SequenceObserver,
                           public std::enable_shared_from_this<DecodeStream> {
 public:
  static constexpr size_t kMaxBuffered = 64;

  // Starts reading. The pointers outlive the stream; without `resume` no request is resumable, without `spans` none is traced.
  static DecodeStream* Start(const ModelLimits* limits, StepLoop* loop, Clock* clock, ResumeTable* resume, SpanExporter* spans);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  bool Writable() const override;
  void OnAdmitted() override;
  void OnPrefilled(int64_t prompt_tokens, int64_t cached_tokens) override;
  void OnToken(int64_t index, const SampledToken& token) override;
  void OnFinished(const absl::Status& status, StopReason reason) override;

 private:
  DecodeStream(const ModelLimits* limits, StepLoop* loop, Clock* clock, ResumeTable* resume, SpanExporter* spans)
      : limits_(limits), loop_(loop), clock_(clock), resume_(resume), spans_(spans) {}

  void HandleCommand();
  void Begin(const v1::StartSequence& start);
  void Accept(SequenceId id);
  void CancelSequence(const absl::Status& why);
  void Emit(v1::DecodeEvent event);
  void FinishWith(const absl::Status& status);
  void WriteNextLocked();

  const ModelLimits* const limits_;
  StepLoop* const loop_;
  Clock* const clock_;
  ResumeTable* const resume_;
  SpanExporter* const spans_;
  std::shared_ptr<ResumeTable::Entry> journal_;  // Of a resumable request, before its sequence begins.
  std::shared_ptr<DecodeStream> self_;
  v1::DecodeCommand command_;
  std::string request_;  // For the log.

  mutable std::mutex mu_;
  std::optional<SequenceId> sequence_;
  absl::Status cancelled_;              // Not OK once the sequence must end, whether it has begun or not.
  std::deque<v1::DecodeEvent> events_;  // The front one is being written while writing_.
  bool writing_ = false;
  bool holding_ = false;  // Events wait until it is known that the sequence was accepted.
  bool broken_ = false;
  std::optional<absl::Status> end_;
  bool finish_called_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_DECODE_STREAM_H_
