#include "tests/simulation/expert_node.h"

#include <utility>

#include "services/placement/convert.h"

namespace baleen {

int64_t ExpertOutput(uint32_t layer, uint32_t expert, int32_t row) {
  return (layer * int64_t{kSimExperts} + expert + 1) * 1'000'003 + row * int64_t{7919};
}

ExpertNode::ExpertNode(World* world, const std::string& host, const std::string& worker_id, const std::vector<std::string>& placements)
    : world_(world), host_(host) {
  world_->network.Boot(host_);
  world_->network.Listen(host_, kExpertService, [this](std::shared_ptr<Pipe> pipe) { return Accept(std::move(pipe)); });
  WorkerAgentOptions options{.host = host, .placements = placements};
  v1::WorkerInfo& worker = options.worker;
  worker.set_worker_id(worker_id);
  worker.set_role(v1::ROLE_EXPERT);
  worker.set_address(host);
  worker.set_numerics_id(kSimNumerics);
  worker.set_model_id(kSimModel);
  worker.set_failure_domain(host);
  worker.set_first_moe_layer(kSimFirstMoeLayer);
  worker.set_moe_layers(kSimMoeLayers);
  worker.set_experts(kSimExperts);
  options.report = [this](v1::HeartbeatRequest* request) { Report(request); };
  options.on_map = [](const MapPtr&) {};
  options.on_assignment = [this](const std::vector<v1::ExpertRange>& ranges) { OnAssignment(ranges); };
  agent_ = std::make_unique<WorkerAgent>(world, std::move(options));
}

void ExpertNode::Report(v1::HeartbeatRequest* request) const {
  request->set_ready(!loaded_.empty());
  ToProto(loaded_, request->mutable_loaded());
  for (const auto& [layer, experts] : computed_) {
    v1::ExpertRows* counted = request->add_rows();
    counted->set_layer(layer);
    for (const auto& [expert, rows] : experts) {
      counted->add_experts(expert);
      counted->add_rows(rows);
    }
  }
}

void ExpertNode::OnAssignment(const std::vector<v1::ExpertRange>& ranges) {
  assigned_.clear();
  for (const v1::ExpertRange& range : ranges) assigned_.push_back({range.layer(), {range.experts().begin(), range.experts().end()}});
  loaded_ = Intersection(loaded_, assigned_);
  LoadNext();
}

void ExpertNode::LoadNext() {
  const Holdings next = First(Difference(assigned_, loaded_), 1);
  if (next.empty() || std::exchange(loading_, true)) return;
  const absl::Duration takes = world_->loop.Between(absl::Milliseconds(5), absl::Milliseconds(150));
  world_->network.After(host_, takes, [this, next] {
    loading_ = false;
    loaded_ = Union(loaded_, Intersection(next, assigned_));
    LoadNext();
  });
}

PipeHandlers ExpertNode::Accept(std::shared_ptr<Pipe> pipe) {
  (void)pipe->Send(ExpertHello());
  auto on_packet = [this, pipe](const Packet& packet) {
    if (packet.type() == typeid(ExpertPing)) return (void)pipe->Send(ExpertPong());
    // A busy shard is late; rarely very late.
    const bool busy = world_->loop.Chance(2);
    const absl::Duration takes = busy ? world_->loop.Between(absl::Milliseconds(50), absl::Milliseconds(600))
                                      : world_->loop.Between(absl::Milliseconds(1), absl::Milliseconds(6));
    world_->network.After(host_, takes, [this, pipe, packet] { (void)pipe->Send(Compute(*std::any_cast<ExpertCall>(&packet))); });
  };
  return {.on_packet = std::move(on_packet), .on_closed = nullptr};
}

ExpertAnswer ExpertNode::Compute(const ExpertCall& call) {
  ExpertAnswer answer{.id = call.id};
  if (world_->loop.Now() > call.deadline) {
    answer.status = absl::DeadlineExceededError("too late to be of use");
    return answer;
  }
  size_t slot = 0;
  for (size_t row = 0; row < call.rows.size(); ++row) {
    for (uint32_t i = 0; i < call.experts_per_row[row]; ++i, ++slot) {
      const uint32_t expert = call.expert_ids[slot];
      if (!Holds(loaded_, call.layer, expert)) {
        answer.outputs.clear();
        answer.status = absl::NotFoundError("the shard does not hold the expert");
        return answer;
      }
      answer.outputs.push_back(ExpertOutput(call.layer, expert, call.rows[row]));
      ++computed_[call.layer][expert];
    }
  }
  return answer;
}

}  // namespace baleen
