// A prefill or decode worker: the real scheduler, block pool, KV transfer, prefill coordinator, resume table and router decisions around a
// network whose next token is a hash of what KV holds. Stands in for StepLoop, DecodeStream and FillCall, whose threads and gRPC it does
// without.
#ifndef BALEEN_TESTS_SIMULATION_ATTENTION_NODE_H_
#define BALEEN_TESTS_SIMULATION_ATTENTION_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/decode/resume_table.h"
#include "services/attention/decode/standby_copies.h"
#include "services/attention/decode/start_sequence.h"
#include "services/attention/prefill/fill_client.h"
#include "services/attention/prefill/prefill_coordinator.h"
#include "services/attention/prefill/prefill_picker.h"
#include "services/attention/scheduler/scheduler.h"
#include "services/attention/worker/choose_tokens.h"
#include "services/attention/worker/fake_step_runner.h"
#include "services/attention/worker/step_inputs.h"
#include "services/kv/cache/block_pool.h"
#include "services/kv/transfer/block_copier.h"
#include "services/kv/transfer/kv_sender.h"
#include "services/kv/transfer/reservation_table.h"
#include "tests/simulation/router_node.h"
#include "tests/simulation/worker_agent.h"
#include "tests/simulation/world.h"

namespace baleen {

constexpr char kDecodeService[] = "decode";
constexpr char kRecallCall[] = "recall";
constexpr char kFillService[] = "fill";

struct DecodeCancel {};

struct AttentionNodeOptions {
  std::string host;
  std::string worker_id;
  std::vector<std::string> placements;
  bool decodes = true;
  int64_t kv_blocks = 12;
  int64_t wrong_every = 0;  // See FakeStepRunner.
};

class AttentionNode {
 public:
  // Boots the host.
  AttentionNode(World* world, AttentionNodeOptions options);
  ~AttentionNode();

  // Its sequences go elsewhere, then it leaves.
  void Drain(std::function<void()> left);
  // Notes what is held although nothing runs.
  void CheckNothingIsHeld();
  const MapPtr& map() const { return agent_->map(); }
  bool ready() const { return router_.Ready(); }
  int64_t preemptions() const { return scheduler_.preemptions(); }
  int64_t remote_fills() const { return remote_fills_; }
  int64_t copied_blocks() const { return copied_blocks_; }
  size_t resumable_bytes() const { return resume_.bytes(); }

 private:
  class DecodeSession;
  class FillSession;
  class PipeConnector;
  class PipeFillClient;
  using Ended = std::vector<std::unique_ptr<Sequence>>;

  void Serve();
  void StartAgent();
  absl::StatusOr<SequenceId> Submit(SequenceRequest request);
  void Cancel(SequenceId id, absl::Status why);
  void Wake(absl::Duration delay = absl::ZeroDuration());
  void Pump();
  void AdmitAll();
  void BeginStep();
  void ComputeLayer(uint32_t layer);
  void OnExperts(uint32_t layer, const absl::Status& status);
  void FinishStep();
  std::vector<RowResult> Results(const std::vector<ChosenTokens>& chosen);
  void Emit(const std::vector<ChosenTokens>& chosen);
  void NotifyEnded(Ended ended);

  World* const world_;
  const AttentionNodeOptions options_;
  const ModelLimits limits_;
  BlockPool pool_;
  FakeStepRunner runner_;
  Scheduler scheduler_;
  ResumeTable resume_;
  RouterNode router_;
  ReservationTable reservations_;
  PrefillPicker picker_;
  std::unique_ptr<PipeConnector> connector_;
  std::unique_ptr<PipeFillClient> fill_client_;
  std::unique_ptr<KvSender> sender_;
  BlockCopier copier_;
  StandbyCopies standby_;
  std::unique_ptr<PrefillCoordinator> coordinator_;
  std::unique_ptr<WorkerAgent> agent_;

  bool admitting_ = true;
  int64_t unfinished_ = 0;
  int64_t remote_fills_ = 0;
  int64_t copied_blocks_ = 0;
  bool stepping_ = false;
  absl::Time wake_at_ = absl::InfiniteFuture();
  StepPlan plan_;
  std::unique_ptr<StepInputs> inputs_;
  std::vector<float> logits_;
  std::vector<float> draft_logits_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_ATTENTION_NODE_H_
