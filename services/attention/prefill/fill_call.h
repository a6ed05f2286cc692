// One Prefill.Fill call: tokens in, pages out to the decode worker, a reply when all are acknowledged.
#ifndef BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CALL_H_
#define BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "services/attention/decode/start_sequence.h"
#include "services/attention/scheduler/sequence.h"

namespace baleen {

class AttentionProbe;
class KvSender;
class KvTransferHandle;
class SequenceTrace;
class SpanExporter;
class StepLoop;

namespace v1 {
class FillReply;
class FillRequest;
}  // namespace v1

// What all calls share; outlives them.
struct FillCallContext {
  ModelLimits limits;
  StepLoop* loop = nullptr;
  KvSender* sender = nullptr;
  AttentionProbe* probe = nullptr;
  int64_t row_bytes = 0;  // Of one layer.
  Clock* clock = nullptr;
  SpanExporter* spans = nullptr;  // Null = nothing is traced.
};

// A fill as the scheduler's request, without its observer. INVALID_ARGUMENT names the field; other errors as CheckContext.
absl::StatusOr<SequenceRequest> ConvertFill(const v1::FillRequest& request, const ModelLimits& limits, absl::Time now);

// Owns itself until gRPC is done with it; the loop and the push may hold it longer.
class FillCall final : public grpc::ServerUnaryReactor, public SequenceObserver, public std::enable_shared_from_this<FillCall> {
 public:
  static FillCall* Start(const FillCallContext* context, const v1::FillRequest& request, v1::FillReply* reply);

  void OnCancel() override;
  void OnDone() override;

  void OnCached(int64_t cached_tokens) override;
  void OnLayer(absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) override;
  void OnFinished(const absl::Status& status, StopReason reason) override;

 private:
  FillCall(const FillCallContext* context, v1::FillReply* reply) : context_(context), reply_(reply) {}

  void Begin(const v1::FillRequest& request);
  void OnPushOver(const absl::Status& status);
  void StopComputing(const absl::Status& why);
  void Reply(const absl::Status& status);

  const FillCallContext* const context_;
  v1::FillReply* const reply_;
  int64_t tokens_ = 0;
  int64_t cached_ = 0;  // Of the tokens.
  int64_t first_ = 0;   // Rows before it
  int layers_ = 0;      // and layers from here on are not wanted.
  std::shared_ptr<FillCall> self_;
  std::shared_ptr<KvTransferHandle> push_;
  std::shared_ptr<SequenceTrace> trace_;  // Null = not traced.

  std::mutex mu_;
  std::optional<SequenceId> sequence_;
  absl::Status stopped_;  // Not OK once nobody wants the rows any more.
  bool replied_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PREFILL_FILL_CALL_H_
