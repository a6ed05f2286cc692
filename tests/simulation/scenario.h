// One seed's run from start to end.
#ifndef BALEEN_TESTS_SIMULATION_SCENARIO_H_
#define BALEEN_TESTS_SIMULATION_SCENARIO_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace baleen {

struct ScenarioResult {
  std::vector<std::string> broken;  // Promises; empty = the seed passes.
  int64_t requests = 0;
  int64_t answered = 0;
  int64_t failed = 0;
  int64_t resumes = 0;
  int64_t faults = 0;
  int64_t preemptions = 0;
  int64_t rebalances = 0;
  int64_t remote_fills = 0;
  int64_t copied_blocks = 0;
};

// Even seeds: one fault at a time, the cluster whole before each; no request may fail, unless its gateway died and it was not resumable.
// Odd seeds: faults on top of each other; a request may end with an error, never with other tokens. In both every request ends once,
// with all its tokens in order; outputs of experts are complete; epochs grow; in the end the cluster is whole, answers, and holds nothing.
// `tell`, if not null, hears what happens.
ScenarioResult RunScenario(uint32_t seed, const SharedParts& parts, const std::function<void(const std::string&)>& tell);

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_SCENARIO_H_
