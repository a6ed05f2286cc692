// An expert shard: loads what it is assigned, answers calls late or not at all as the seed has it.
#ifndef BALEEN_TESTS_SIMULATION_EXPERT_NODE_H_
#define BALEEN_TESTS_SIMULATION_EXPERT_NODE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/placement/planner/holdings.h"
#include "tests/simulation/worker_agent.h"
#include "tests/simulation/world.h"

namespace baleen {

constexpr char kExpertService[] = "expert";

struct ExpertHello {};
struct ExpertPing {};
struct ExpertPong {};

struct ExpertCall {
  uint64_t id = 0;
  absl::Time deadline;
  uint32_t layer = 0;
  std::vector<int32_t> rows;  // Each row is its token.
  std::vector<uint32_t> experts_per_row;
  std::vector<uint32_t> expert_ids;
};

struct ExpertAnswer {
  uint64_t id = 0;
  absl::Status status = {};
  std::vector<int64_t> outputs = {};  // Beside expert_ids.
};

// What an expert makes of a row.
int64_t ExpertOutput(uint32_t layer, uint32_t expert, int32_t row);

class ExpertNode {
 public:
  // Boots the host.
  ExpertNode(World* world, const std::string& host, const std::string& worker_id, const std::vector<std::string>& placements);

  // Leaves once its experts are held elsewhere.
  void Drain(std::function<void()> left) {
    agent_->Drain();
    agent_->Leave(/*when_released=*/true, std::move(left));
  }
  bool settled() const { return loaded_ == assigned_; }

 private:
  void Report(v1::HeartbeatRequest* request) const;
  void OnAssignment(const std::vector<v1::ExpertRange>& ranges);
  void LoadNext();
  PipeHandlers Accept(std::shared_ptr<Pipe> pipe);
  ExpertAnswer Compute(const ExpertCall& call);

  World* const world_;
  const std::string host_;
  Holdings assigned_;
  Holdings loaded_;
  std::map<uint32_t, std::map<uint32_t, uint64_t>> computed_;  // Rows by layer and expert, since it started.
  bool loading_ = false;
  std::unique_ptr<WorkerAgent> agent_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_EXPERT_NODE_H_
