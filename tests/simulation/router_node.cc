#include "tests/simulation/router_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr absl::Duration kReconnect = absl::Milliseconds(200);
constexpr absl::Duration kBatchDeadline = absl::Seconds(10);

// Distinct experts of a row, ascending. Some are asked for far more often than others, and not the same ones in each layer.
std::vector<int32_t> ExpertsOf(uint32_t layer, int32_t row) {
  const int32_t hot = std::min(row % kSimExperts, row / kSimExperts % kSimExperts);
  const int32_t first = (hot + 3 * static_cast<int32_t>(layer)) % kSimExperts;
  const int32_t second = (first + 1 + row / kSimExperts % (kSimExperts - 1)) % kSimExperts;
  return {std::min(first, second), std::max(first, second)};
}

}  // namespace

void RouterNode::SetMap(const MapPtr& map) {
  if (map->epoch() < epoch_) return;
  epoch_ = map->epoch();
  core_.SetMap(ReplicaTable(*map, kSimNumerics), world_->loop.Now());
  for (const ShardInfo& shard : core_.table().shards()) {
    const bool is_new = links_.count(shard.worker_id) == 0;
    links_[shard.worker_id].address = shard.address;
    if (is_new) Connect(shard.worker_id);
  }
  Pump();
}

void RouterNode::Connect(const std::string& worker_id) {
  const auto it = links_.find(worker_id);
  if (it == links_.end()) return;
  it->second.pipe = world_->network.Open(host_, it->second.address, kExpertService,
                                         {.on_packet = [this, worker_id](const Packet& packet) { OnPacket(worker_id, packet); },
                                          .on_closed =
                                              [this, worker_id](absl::Status why) {
                                                core_.Disconnected(worker_id, why);
                                                world_->network.After(host_, kReconnect, [this, worker_id] { Connect(worker_id); });
                                                Pump();
                                              }});
}

void RouterNode::OnPacket(const std::string& worker_id, const Packet& packet) {
  if (links_.count(worker_id) == 0) return;
  if (packet.type() == typeid(ExpertHello)) {
    core_.Connected(worker_id);
  } else if (packet.type() == typeid(ExpertPong)) {
    core_.Alive(worker_id, world_->loop.Now());
  } else {
    OnAnswer(worker_id, *std::any_cast<ExpertAnswer>(&packet));
  }
  Pump();
}

void RouterNode::OnAnswer(const std::string& worker_id, const ExpertAnswer& answer) {
  const absl::Time now = world_->loop.Now();
  if (!answer.status.ok()) return core_.Refused(answer.id, worker_id, answer.status, now);
  const auto claimed = core_.Answered(answer.id, worker_id, now);
  if (!claimed.has_value()) return;
  if (!open_ || claimed->batch != batch_) return world_->Broken("an answer was claimed for a batch that is over");
  for (const size_t place : claimed->places) {
    const size_t slot = static_cast<size_t>(claimed->work->slots[place]);
    const int64_t wanted = ExpertOutput(layer_, static_cast<uint32_t>(expert_ids_[slot]), rows_[slot / kSimTopK]);
    if (answer.outputs[place] != wanted) world_->Broken(absl::StrCat(worker_id, "'s output went to the wrong slot ", slot));
    if (++written_[slot] > 1) world_->Broken(absl::StrCat("slot ", slot, " was written twice"));
  }
  core_.Written(claimed->batch, claimed->places.size());
  if (core_.Complete(batch_)) End(true);
}

void RouterNode::Dispatch(uint32_t layer, std::vector<int32_t> rows, absl::Time deadline, std::function<void(absl::Status)> done) {
  layer_ = layer;
  rows_ = std::move(rows);
  expert_ids_.clear();
  for (const int32_t row : rows_) {
    const std::vector<int32_t> experts = ExpertsOf(layer, row);
    expert_ids_.insert(expert_ids_.end(), experts.begin(), experts.end());
  }
  written_.assign(expert_ids_.size(), 0);
  deadline_ = std::min(deadline, world_->loop.Now() + kBatchDeadline);
  done_ = std::move(done);
  open_ = true;
  batch_ = core_.Begin({static_cast<int>(layer_), static_cast<int64_t>(rows_.size()), kSimTopK, expert_ids_.data(), 64});
  Send(core_.PlanBatch(batch_, world_->loop.Now()));
  PumpAt(world_->loop.Now() + absl::Milliseconds(10));
}

void RouterNode::Send(const std::vector<OutgoingCall>& calls) {
  for (const OutgoingCall& call : calls) {
    ExpertCall wire{call.id, deadline_, layer_, {}, call.work->experts_per_row, call.work->expert_ids};
    for (const int64_t row : call.work->rows) wire.rows.push_back(rows_[static_cast<size_t>(row)]);
    const absl::Status sent = links_.at(call.worker_id).pipe->Send(std::move(wire));
    if (!sent.ok()) core_.NotSent(call.id, call.worker_id, sent, world_->loop.Now());
  }
}

void RouterNode::PumpAt(absl::Time time) {
  if (time >= pump_at_) return;
  pump_at_ = time;
  world_->network.After(host_, time - world_->loop.Now(), [this, time] {
    if (pump_at_ != time) return;
    pump_at_ = absl::InfiniteFuture();
    Pump();
  });
}

void RouterNode::Pump() {
  const absl::Time now = world_->loop.Now();
  for (const std::string& worker_id : core_.TakeForgotten()) {
    if (const auto it = links_.find(worker_id); it != links_.end()) {
      it->second.pipe->Close(absl::CancelledError("the shard left"));
      links_.erase(it);
    }
  }
  for (const std::string& worker_id : core_.TakeProbes(now)) (void)links_.at(worker_id).pipe->Send(ExpertPing());
  if (open_ && now >= deadline_) End(false);
  Send(core_.Plan(now));
  const absl::Time next = std::max(core_.NextEvent(now), now + absl::Milliseconds(1));
  PumpAt(std::min(next, now + (open_ ? absl::Milliseconds(10) : absl::Milliseconds(250))));
}

void RouterNode::End(bool complete) {
  open_ = false;
  const absl::Status status = core_.End(batch_);
  if (status.ok() != complete) world_->Broken(absl::StrCat("a batch ended with ", status.ToString()));
  for (const int times : written_) {
    if (complete && times != 1) world_->Broken("an expert was skipped");
  }
  // Not within the router's own doings.
  world_->network.After(host_, absl::ZeroDuration(), [done = std::exchange(done_, nullptr), status] { done(status); });
}

bool RouterNode::Ready() const {
  const auto connected = [&](int shard) { return core_.IsConnected(core_.table().shards()[static_cast<size_t>(shard)].worker_id); };
  for (uint32_t layer = kSimFirstMoeLayer; layer < kSimFirstMoeLayer + kSimMoeLayers; ++layer) {
    for (int expert = 0; expert < kSimExperts; ++expert) {
      const std::vector<int>& holders = core_.table().Holders(static_cast<int>(layer), expert);
      if (std::none_of(holders.begin(), holders.end(), connected)) return false;
    }
  }
  return true;
}

}  // namespace baleen
