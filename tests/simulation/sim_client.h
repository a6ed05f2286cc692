// Clients: send requests, resume what may be resumed, and hold every answer to the fault-free one.
#ifndef BALEEN_TESTS_SIMULATION_SIM_CLIENT_H_
#define BALEEN_TESTS_SIMULATION_SIM_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/gateway_node.h"
#include "tests/simulation/world.h"

namespace baleen {

constexpr char kClientHost[] = "client";

struct ClientOutcomes {
  int64_t answered = 0;      // In full.
  int64_t failed = 0;        // With an error of the service's.
  int64_t gateway_died = 0;  // Under a request that is not resumable: its client's to send again.
  int64_t resumes = 0;       // Reconnections.
  int64_t open = 0;
};

// Boots its host, which is never disturbed.
class SimClient {
 public:
  SimClient(World* world, std::vector<std::string> gateways, const std::vector<SimRequest>* requests);

  void Start(size_t request);
  // Whether each request has ended, or had an event since then.
  bool AllHeardSince(absl::Time time) const;
  const ClientOutcomes& outcomes() const { return outcomes_; }
  // Why requests failed.
  const std::map<std::string, int>& errors() const { return errors_; }

 private:
  struct Running {
    size_t request = 0;
    size_t gateway = 0;
    std::vector<std::vector<int32_t>> tokens;
    size_t ended = 0;
    bool begun = false;  // It has a token.
    int start = 0;
    int tries = 0;       // -1 = it has ended.
    absl::Time heard;    // Its newest event, or its start.
    int connection = 0;  // What an earlier one still says is not heard.
  };
  using RunningPtr = std::shared_ptr<Running>;

  void Connect(const RunningPtr& running);
  void OnEvent(const RunningPtr& running, const ClientEvent& event);
  void OnToken(Running& running, const ClientEvent& event);
  void OnBroken(const RunningPtr& running);
  void OnLast(const RunningPtr& running, const ClientEvent& event);
  void Again(const RunningPtr& running);
  void Finish(int64_t ClientOutcomes::*outcome);

  World* const world_;
  const std::vector<std::string> gateways_;
  const std::vector<SimRequest>* const requests_;
  ClientOutcomes outcomes_;
  std::vector<RunningPtr> started_;
  std::map<std::string, int> errors_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_SIM_CLIENT_H_
