// A worker's side of placement: registers, reports, follows the map. Stands in for PlacementClient, whose threads it does without.
#ifndef BALEEN_TESTS_SIMULATION_WORKER_AGENT_H_
#define BALEEN_TESTS_SIMULATION_WORKER_AGENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster.h"
#include "tests/simulation/world.h"

namespace baleen {

template <typename Body>
struct PlacementReply {
  absl::Status status;
  Body body;
};

struct WorkerAgentOptions {
  std::string host;
  std::vector<std::string> placements;
  v1::WorkerInfo worker = {};
  std::function<void(v1::HeartbeatRequest*)> report = {};
  std::function<void(const MapPtr&)> on_map = {};
  std::function<void(const std::vector<v1::ExpertRange>&)> on_assignment = {};  // Null for workers without experts.
};

class WorkerAgent {
 public:
  // `world` outlives this. The host is booted.
  WorkerAgent(World* world, WorkerAgentOptions options);

  // Reports that the worker drains.
  void Drain() { draining_ = true; }
  // Deregisters and calls `left`, at once or, with `when_released`, once placement has let it go.
  void Leave(bool when_released, std::function<void()> left);
  const MapPtr& map() const { return map_; }

 private:
  const std::string& Placement() const { return options_.placements[current_]; }
  void Beat();
  void Register();
  void Report();
  void Deregister();
  void TryNext(const absl::Status& status);
  void Again(absl::Duration pause);
  void Watch();
  void OnMap(const MapPtr& map);

  World* const world_;
  const WorkerAgentOptions options_;
  size_t current_ = 0;
  bool registered_ = false;
  bool draining_ = false;
  bool gone_ = false;
  std::function<void()> left_;
  std::shared_ptr<Pipe> watch_;
  MapPtr map_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_WORKER_AGENT_H_
