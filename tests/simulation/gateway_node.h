// A gateway: the real generations, journal, failover, quarantine, worker picker and request finder. Its clients' side is a pipe.
#ifndef BALEEN_TESTS_SIMULATION_GATEWAY_NODE_H_
#define BALEEN_TESTS_SIMULATION_GATEWAY_NODE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/gateway/generation/decode_stream.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/generation/quarantine.h"
#include "services/gateway/generation/worker_picker.h"
#include "services/gateway/resume/recall_client.h"
#include "services/gateway/resume/request_finder.h"
#include "tests/simulation/worker_agent.h"
#include "tests/simulation/world.h"

namespace baleen {

constexpr char kClientService[] = "client";

// What a client wants, and what it gets without faults.
struct SimRequest {
  std::vector<int32_t> prompt;
  int64_t max_tokens = 0;
  double temperature = 0;
  uint64_t seed = 0;
  int choices = 1;
  bool resumable = false;                      // One choice only.
  std::vector<std::vector<int32_t>> expected;  // By choice.
};

// 16 bytes; each start of a request has its own.
std::string RequestId(size_t request, int start);

struct ClientStart {
  size_t request = 0;
  int start = 0;
};

// Goes on behind the tokens that the client has.
struct ClientResume {
  std::string id;
  size_t tokens = 0;
};

// A token, or the end of a choice (finish or an error). The last event ends the request.
struct ClientEvent {
  uint32_t choice = 0;
  size_t index = 0;
  std::optional<int32_t> token;
  absl::Status status;
  int64_t completion_tokens = 0;  // With the last event.
  bool last = false;
};

class GatewayNode {
 public:
  // Boots the host. `requests` outlives this and does not change.
  GatewayNode(World* world, const std::string& host, const std::string& worker_id, const std::vector<std::string>& placements,
              const std::vector<SimRequest>* requests);
  ~GatewayNode();

  void CheckNothingIsHeld();
  const MapPtr& map() const { return agent_->map(); }

 private:
  class Session;
  class Dialer;
  class Recaller;

  GenerationContext Context();
  void StartAgent(const std::string& worker_id, const std::vector<std::string>& placements);

  World* const world_;
  const std::string host_;
  const std::vector<SimRequest>* const requests_;
  const std::unique_ptr<Timers> timers_;
  const std::unique_ptr<Dialer> dialer_;
  const std::unique_ptr<Recaller> recaller_;
  WorkerPicker picker_;
  Quarantine quarantine_;
  RequestFinder finder_;
  int64_t running_ = 0;
  std::vector<std::weak_ptr<Session>> sessions_;
  std::unique_ptr<WorkerAgent> agent_;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_GATEWAY_NODE_H_
