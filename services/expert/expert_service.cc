#include "services/expert/expert_service.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/log.h"
#include "services/common/span_exporter.h"
#include "services/common/trace_context.h"
#include "services/expert/merger.h"

namespace baleen {

namespace {

// A call that would be computed within kMostTimeHere is computed on the thread that brought it: to wake another one costs tens of
// microseconds, and meanwhile that thread takes nothing else from its transport. Above kSmallSlots (row, expert) pairs, time no longer
// tells of that of a small call.
constexpr absl::Duration kMostTimeHere = absl::Milliseconds(2);
constexpr size_t kSmallSlots = 64;

// What a call holds in memory: its input and its output.
int64_t BytesOf(const ExpertCall& call, const ExpertShape& shape) {
  return static_cast<int64_t>(call.input.size + call.expert_ids.size() * static_cast<size_t>(shape.hidden) * SizeOf(shape.dtype));
}

void SendReply(const std::shared_ptr<Connection>& connection, Message reply) {
  // A router that does not read its replies has lost them anyway; breaking the stream tells it so.
  if (connection->Send(std::move(reply)).code() == absl::StatusCode::kResourceExhausted) connection->Close();
}

}  // namespace

ExpertService::ExpertService(ExpertServiceOptions options, Clock* clock, prometheus::Registry* metrics)
    : options_(std::move(options)), clock_(clock), probe_(metrics), queue_(options_.queue, options_.computations) {
  for (int i = 0; i < options_.computations; ++i) compute_.emplace_back([this] { ComputeLoop(); });
}

ExpertService::~ExpertService() { Drain(); }

StreamHandlers ExpertService::Accept(std::shared_ptr<Connection> connection) {
  return {[this, connection](Message message) { Take(connection, std::move(message)); }, [](absl::Status) {}};
}

void ExpertService::Take(const std::shared_ptr<Connection>& connection, Message message) {
  uint64_t call_id = 0;
  uint64_t epoch = 0;
  absl::StatusOr<ExpertCall> call = ParseExpertCall(std::move(message), options_.shape, clock_->Now(), &call_id, &epoch);
  const auto refuse = [&](const absl::Status& status) {
    probe_.CallRefused(status.code());
    SendReply(connection, EncodeRefusal(call_id, epoch, status));
  };
  if (!call.ok()) return refuse(call.status());
  if (call->rows == 0 && queue_.closed()) return refuse(absl::UnavailableError("the shard is shutting down"));
  if (call->rows == 0) return SendReply(connection, EncodeReply(*call, {}));
  call->reply = [connection](Message reply) { SendReply(connection, std::move(reply)); };
  if (!call->traceparent.empty()) call->arrival = clock_->Now();
  if (BeginHere(connection.get(), *call)) {
    std::vector<ExpertCall> alone;
    alone.push_back(*std::move(call));
    ComputeBatch(std::move(alone));
    return queue_.Done();
  }
  const int64_t bytes = BytesOf(*call, options_.shape);
  const absl::Status queued = queue_.Push(*std::move(call), bytes);
  if (!queued.ok()) return refuse(queued);
  probe_.QueueDepth(queue_.depth());
}

bool ExpertService::BeginHere(const Connection* stream, const ExpertCall& call) {
  // Calls of several streams are to be merged where they wait for each other, and computations that wait for a device to run side by side.
  const bool others = last_stream_.exchange(stream, std::memory_order_relaxed) != stream;
  const size_t slots = call.expert_ids.size();
  if (others || options_.computations > 1 || slots > kSmallSlots) return false;
  const absl::Duration expected = absl::Nanoseconds(slot_ns_.load(std::memory_order_relaxed)) * static_cast<int64_t>(slots);
  return expected <= kMostTimeHere && queue_.TryBegin();
}

void ExpertService::SetExperts(std::shared_ptr<const HeldExperts> experts) {
  {
    std::lock_guard lock(mu_);
    experts_.swap(experts);
  }
  experts = nullptr;  // Without the lock: to free what was held may take seconds.
}

void ExpertService::Drain() {
  queue_.Close();
  std::lock_guard lock(drain_mu_);
  for (std::thread& thread : compute_) {
    if (thread.joinable()) thread.join();
  }
  queue_.AwaitDone();
}

void ExpertService::Refuse(const ExpertCall& call, const absl::Status& status) {
  probe_.CallRefused(status.code());
  call.reply(EncodeRefusal(call.call_id, call.epoch, status));
}

absl::Status ExpertService::Check(const ExpertCall& call, const HeldExperts* experts) {
  if (call.deadline <= clock_->Now()) return absl::DeadlineExceededError("the call's deadline passed before compute");
  for (const uint32_t expert : call.expert_ids) {
    if (experts != nullptr && experts->Has(call.layer, expert)) continue;
    return absl::FailedPreconditionError(absl::StrCat("layer ", call.layer, " expert ", expert, " is not held"));
  }
  return absl::OkStatus();
}

void ExpertService::ComputeLoop() {
  while (true) {
    std::vector<ExpertCall> calls = queue_.PopLayer(options_.max_merged_slots);
    if (calls.empty()) return;
    probe_.QueueDepth(queue_.depth());
    ComputeBatch(std::move(calls));
    queue_.Done();
  }
}

void ExpertService::ComputeBatch(std::vector<ExpertCall> calls) {
  std::shared_ptr<const HeldExperts> experts;
  {
    std::lock_guard lock(mu_);
    experts = experts_;
  }
  int64_t rows = 0;
  std::erase_if(calls, [&](const ExpertCall& call) {
    const absl::Status status = Check(call, experts.get());
    if (!status.ok()) Refuse(call, status);
    if (status.ok()) rows += call.rows;
    return !status.ok();
  });
  if (calls.empty()) return;
  const absl::Time start = clock_->Now();
  absl::StatusOr<std::vector<Message>> replies = ComputeMerged(calls, options_.shape.hidden, options_.shape.dtype, *experts);
  if (!replies.ok()) {
    Log(LogLevel::kError, "experts_not_computed", {{"error", std::string(replies.status().message())}});
    for (const ExpertCall& call : calls) Refuse(call, replies.status());
    if (options_.on_failure && absl::IsInternal(replies.status())) options_.on_failure(replies.status());
    return;
  }
  const absl::Duration took = clock_->Now() - start;
  LearnSlotTime(calls, took);
  probe_.BatchComputed(rows, took);
  if (options_.spans != nullptr) Trace(calls, rows, start);
  for (size_t i = 0; i < calls.size(); ++i) {
    probe_.CallAnswered();
    row_counter_.Count(calls[i].layer, calls[i].expert_ids);
    calls[i].reply(std::move((*replies)[i]));
  }
}

void ExpertService::LearnSlotTime(absl::Span<const ExpertCall> calls, absl::Duration time) {
  size_t slots = 0;
  for (const ExpertCall& call : calls) slots += call.expert_ids.size();
  if (slots <= kSmallSlots) slot_ns_.store(absl::ToInt64Nanoseconds(time) / static_cast<int64_t>(slots), std::memory_order_relaxed);
}

void ExpertService::Trace(absl::Span<const ExpertCall> calls, int64_t rows, absl::Time start) const {
  const absl::Time now = clock_->Now();
  for (const ExpertCall& call : calls) {
    const std::optional<TraceContext> parent = ParseTraceparent(call.traceparent);
    if (!parent || !parent->sampled) continue;
    options_.spans->Add(SpanInside(*parent, "expert queue", call.arrival, start));
    TraceSpan compute = SpanInside(*parent, "expert compute", start, now);
    compute.attributes = {{"baleen.layer", int64_t{call.layer}}, {"baleen.rows", call.rows}, {"baleen.merged_rows", rows}};
    options_.spans->Add(std::move(compute));
  }
}

}  // namespace baleen
