#include "tests/simulation/attention_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/attention/decode/recall.h"
#include "services/attention/worker/kv_standby.h"
#include "services/kv/transfer/block_copy.h"
#include "services/kv/transfer/block_copy_receiver.h"
#include "services/kv/transfer/kv_receiver.h"
#include "tests/simulation/attention_sessions.h"

namespace baleen {
namespace {

constexpr int64_t kLocalPrefillTokens = 32;
constexpr absl::Duration kTick = absl::Milliseconds(50);
constexpr absl::Duration kSequencesMove = absl::Milliseconds(600);
constexpr absl::Duration kRetryBackoff = absl::Milliseconds(20);

int64_t PoolBytes(int64_t blocks) { return blocks * FakeStepRunner::kShape.BlockBytes(); }

SchedulerLimits Limits() {
  return {.max_batch_tokens = 96, .prefill_chunk = 40, .max_running = 8, .max_waiting = 64, .numerics_id = kSimNumerics};
}

}  // namespace

AttentionNode::AttentionNode(World* world, AttentionNodeOptions options)
    : world_(world),
      options_(std::move(options)),
      limits_({.tokenizer_size = FakeStepRunner::kVocab, .max_positions = 512, .eos_ids = {}, .numerics_id = kSimNumerics}),
      pool_(FakeStepRunner::kShape, PoolBytes(options_.kv_blocks)),
      scheduler_(Limits(), &pool_),
      resume_({}, &world->loop),
      router_(world, options_.host),
      reservations_(&pool_),
      picker_(options_.worker_id, kSimModel, kSimNumerics, &world->loop),
      connector_(std::make_unique<PipeConnector>(world, options_.host)),
      fill_client_(std::make_unique<PipeFillClient>(world, options_.host)),
      copier_(connector_.get(), &pool_, &world_->loop, [this](bool kept) { copied_blocks_ += kept ? 1 : 0; }),
      standby_(options_.worker_id, kSimNumerics, &copier_) {
  runner_.wrong_every = options_.wrong_every;
  world_->network.Boot(options_.host);
  sender_ = std::make_unique<KvSender>(KvSenderOptions{}, connector_.get(), &pool_);
  if (options_.decodes) {
    PrefillCoordinatorOptions coordinator;
    coordinator.local_prefill_tokens = kLocalPrefillTokens;
    coordinator.numerics_id = kSimNumerics;
    coordinator.kv_address = [host = options_.host] { return host; };
    coordinator_ = std::make_unique<PrefillCoordinator>(std::move(coordinator), &picker_, fill_client_.get(), &reservations_,
                                                        world_->parts.attention_probe, &world_->loop);
  }
  Serve();
  StartAgent();
}

AttentionNode::~AttentionNode() = default;

void AttentionNode::Serve() {
  Network& network = world_->network;
  network.Listen(options_.host, kDecodeService, [this](std::shared_ptr<Pipe> pipe) -> PipeHandlers {
    auto session = std::make_shared<DecodeSession>(this, std::move(pipe));
    return {.on_packet = [session](const Packet& packet) { session->OnPacket(packet); },
            .on_closed = [session](absl::Status) { session->OnClosed(); }};
  });
  network.Listen(options_.host, kFillService, [this](std::shared_ptr<Pipe> pipe) -> PipeHandlers {
    auto session = std::make_shared<FillSession>(this, std::move(pipe));
    return {.on_packet = [session](const Packet& packet) { session->Begin(*std::any_cast<v1::FillRequest>(&packet)); },
            .on_closed = [session](absl::Status) { session->OnClosed(); }};
  });
  network.Serve(options_.host, kRecallCall, [this](const std::any& request) -> std::any {
    return RecallFrom(
        resume_, [this](SequenceId id, absl::Status why) { Cancel(id, std::move(why)); }, kSimNumerics,
        *std::any_cast<v1::RecallRequest>(&request));
  });
  connector_->Listen(kKvPushMethod, AcceptKvPushes(&reservations_, nullptr));
  connector_->Listen(kKvCopyMethod, AcceptKvCopies(&pool_));
}

void AttentionNode::StartAgent() {
  WorkerAgentOptions options{.host = options_.host, .placements = options_.placements};
  v1::WorkerInfo& worker = options.worker;
  worker.set_worker_id(options_.worker_id);
  worker.set_role(options_.decodes ? v1::ROLE_DECODE : v1::ROLE_PREFILL);
  worker.set_address(options_.host);
  worker.set_numerics_id(kSimNumerics);
  worker.set_model_id(kSimModel);
  options.report = [this](v1::HeartbeatRequest* request) {
    request->set_ready(router_.Ready());
    request->set_running(static_cast<uint32_t>(scheduler_.running()));
    request->set_waiting(static_cast<uint32_t>(scheduler_.waiting()));
  };
  options.on_map = [this](const MapPtr& map) {
    router_.SetMap(map);
    picker_.Update(*map);
    standby_.UpdateMap(map);
  };
  agent_ = std::make_unique<WorkerAgent>(world_, std::move(options));
}

void AttentionNode::Drain(std::function<void()> left) {
  agent_->Drain();
  world_->network.After(options_.host, kSequencesMove, [this, left = std::move(left)]() mutable {
    admitting_ = false;
    scheduler_.CancelAll(absl::UnavailableError("the worker is shutting down"));
    Wake();
    world_->network.After(options_.host, kSequencesMove,
                          [this, left = std::move(left)]() mutable { agent_->Leave(false, std::move(left)); });
  });
}

void AttentionNode::CheckNothingIsHeld() {
  const auto hold = [this](int64_t count, const char* what) {
    if (count != 0) world_->Broken(absl::StrCat(options_.worker_id, " still holds ", count, " ", what));
  };
  hold(pool_.total_blocks() - pool_.free_blocks(), "KV blocks");
  hold(reservations_.open(), "reservations");
  hold(scheduler_.running() + scheduler_.waiting(), "sequences");
  hold(unfinished_, "unfinished sequences");
}

absl::StatusOr<SequenceId> AttentionNode::Submit(SequenceRequest request) {
  if (!admitting_) return absl::UnavailableError("the worker is draining");
  request.arrival = world_->loop.Now();
  absl::StatusOr<SequenceId> id = scheduler_.Submit(std::move(request));
  if (id.ok()) ++unfinished_;
  Wake();
  return id;
}

void AttentionNode::Cancel(SequenceId id, absl::Status why) {
  scheduler_.Cancel(id, std::move(why));
  Wake();
}

void AttentionNode::Wake(absl::Duration delay) {
  const absl::Time time = world_->loop.Now() + delay;
  if (time >= wake_at_) return;
  wake_at_ = time;
  world_->network.After(options_.host, delay, [this, time] {
    if (wake_at_ != time) return;
    wake_at_ = absl::InfiniteFuture();
    Pump();
  });
}

void AttentionNode::Pump() {
  if (stepping_) return;
  AdmitAll();
  if (coordinator_ != nullptr) coordinator_->Tick();
  plan_ = scheduler_.PlanStep();
  pool_.ClearAllocated();
  if (!plan_.rows.empty()) return BeginStep();
  if (unfinished_ > 0) Wake(kTick);
}

void AttentionNode::AdmitAll() {
  const std::vector<Sequence*> admitted = scheduler_.Admit(world_->loop.Now());
  pool_.ClearAllocated();
  NotifyEnded(scheduler_.TakeEnded());
  for (Sequence* sequence : admitted) {
    SequenceObserver& observer = *sequence->request.observer;
    if (!std::exchange(sequence->admission_told, true)) observer.OnAdmitted();
    if (!sequence->request.generates) {
      if (sequence->computed == 0) continue;
      observer.OnCached(sequence->computed);
      for (int layer = 0; layer < pool_.shape().layers; ++layer) observer.OnLayer(sequence->blocks, layer, 0, sequence->computed);
    } else if (coordinator_ != nullptr && coordinator_->Wants(*sequence)) {
      scheduler_.StartRemotePrefill(sequence);
      coordinator_->Start(*sequence, [this, id = sequence->id](bool filled) {
        remote_fills_ += filled ? 1 : 0;
        scheduler_.FinishRemotePrefill(id, filled);
        Wake();
      });
    }
  }
}

void AttentionNode::BeginStep() {
  stepping_ = true;
  inputs_ = std::make_unique<StepInputs>(plan_);
  ComputeLayer(kSimFirstMoeLayer);
}

void AttentionNode::ComputeLayer(uint32_t layer) {
  std::vector<int32_t> rows;
  for (const SequenceStep& step : inputs_->steps()) rows.insert(rows.end(), step.tokens.begin(), step.tokens.end());
  const absl::Duration attention = world_->loop.Between(absl::Milliseconds(2), absl::Milliseconds(20));
  world_->network.After(options_.host, attention, [this, layer, rows = std::move(rows)]() mutable {
    router_.Dispatch(layer, std::move(rows), inputs_->deadline(), [this, layer](const absl::Status& status) { OnExperts(layer, status); });
  });
}

void AttentionNode::OnExperts(uint32_t layer, const absl::Status& status) {
  if (status.ok()) return layer + 1 < kSimFirstMoeLayer + kSimMoeLayers ? ComputeLayer(layer + 1) : FinishStep();
  // As StepLoop: planned anew until the sequences' deadlines.
  stepping_ = false;
  Wake(kRetryBackoff);
}

void AttentionNode::FinishStep() {
  TokenChoices choices = inputs_->Choices(FakeStepRunner::kVocab);
  const absl::Status status = runner_.Step(inputs_->steps(), pool_, inputs_->deadline(), inputs_->on_layer(), &choices, &logits_);
  if (!status.ok()) world_->Broken(status.ToString());
  const std::vector<ChosenTokens> chosen = inputs_->Choose(choices, logits_, FakeStepRunner::kVocab);
  scheduler_.CompleteStep(plan_, Results(chosen));
  Ended ended = scheduler_.TakeEnded();
  Emit(chosen);
  if (options_.decodes) TellOfPublished(plan_, standby_);
  NotifyEnded(std::move(ended));
  stepping_ = false;
  Wake();
}

std::vector<RowResult> AttentionNode::Results(const std::vector<ChosenTokens>& chosen) {
  std::vector<RowResult> results(plan_.rows.size());
  for (size_t i = 0; i < results.size(); ++i) {
    for (const SampledToken& token : chosen[i].tokens) results[i].tokens.push_back(token.token);
  }
  if (!runner_.drafts()) return results;
  const std::vector<DraftStep> drafts = inputs_->Drafts(chosen, 16);
  TokenChoices choices = inputs_->DraftChoices(drafts, chosen, FakeStepRunner::kVocab);
  if (!runner_.Draft(drafts, pool_, inputs_->on_layer(), &choices, &draft_logits_).ok()) return results;
  inputs_->ChooseDrafts(drafts, chosen, choices, draft_logits_, FakeStepRunner::kVocab, &results);
  return results;
}

void AttentionNode::Emit(const std::vector<ChosenTokens>& chosen) {
  for (size_t i = 0; i < plan_.rows.size(); ++i) {
    Sequence& sequence = *plan_.rows[i].sequence;
    if (chosen[i].tokens.empty()) continue;
    SequenceObserver& observer = *sequence.request.observer;
    if (!std::exchange(sequence.prefilled, true)) observer.OnPrefilled(sequence.request.prompt_tokens, sequence.cached_tokens);
    const int64_t count = static_cast<int64_t>(chosen[i].tokens.size());
    for (int64_t j = 0; j < count; ++j) observer.OnToken(sequence.generated() - count + j, chosen[i].tokens[static_cast<size_t>(j)]);
  }
}

void AttentionNode::NotifyEnded(Ended ended) {
  for (const auto& sequence : ended) {
    if (sequence->state == SequenceState::kRemotePrefill && coordinator_ != nullptr) coordinator_->Abort(sequence->id);
    standby_.OnEnded(sequence->id);
    sequence->request.observer->OnFinished(sequence->end_status, sequence->end_reason);
    --unfinished_;
  }
}

}  // namespace baleen
