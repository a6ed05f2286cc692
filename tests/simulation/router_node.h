// The router inside an attention process: the real dispatch decisions over simulated links.
#ifndef BALEEN_TESTS_SIMULATION_ROUTER_NODE_H_
#define BALEEN_TESTS_SIMULATION_ROUTER_NODE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/placement/cluster.h"
#include "services/router/dispatch_core.h"
#include "tests/simulation/expert_node.h"
#include "tests/simulation/world.h"

namespace baleen {

class RouterNode {
 public:
  // Within the booted host. `world` outlives this.
  RouterNode(World* world, std::string host) : world_(world), host_(std::move(host)), core_(DispatchPolicy()) {}

  void SetMap(const MapPtr& map);
  // One layer's batch at a time. OK once every (row, expert) has its output; UNAVAILABLE at the deadline.
  void Dispatch(uint32_t layer, std::vector<int32_t> rows, absl::Time deadline, std::function<void(absl::Status)> done);
  // Whether every expert has a connected holder.
  bool Ready() const;
  const DispatchStats& stats() const { return core_.stats(); }

 private:
  struct Link {
    std::string address;
    std::shared_ptr<Pipe> pipe;
  };

  void Connect(const std::string& worker_id);
  void OnPacket(const std::string& worker_id, const Packet& packet);
  void OnAnswer(const std::string& worker_id, const ExpertAnswer& answer);
  void Send(const std::vector<OutgoingCall>& calls);
  void Pump();
  void PumpAt(absl::Time time);
  void End(bool complete);

  World* const world_;
  const std::string host_;
  DispatchCore core_;
  std::map<std::string, Link> links_;
  uint64_t epoch_ = 0;

  BatchId batch_ = 0;
  bool open_ = false;
  uint32_t layer_ = 0;
  std::vector<int32_t> rows_;
  std::vector<int32_t> expert_ids_;
  std::vector<int> written_;
  absl::Time deadline_;
  std::function<void(absl::Status)> done_;
  absl::Time pump_at_ = absl::InfiniteFuture();
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_ROUTER_NODE_H_
