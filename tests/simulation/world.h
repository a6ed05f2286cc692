// What all simulated processes share, and what the run is held to.
#ifndef BALEEN_TESTS_SIMULATION_WORLD_H_
#define BALEEN_TESTS_SIMULATION_WORLD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "model/tokenizer/tokenizer.h"
#include "tests/simulation/event_loop.h"
#include "tests/simulation/network.h"

namespace baleen {

class AttentionProbe;
class PlacementProbe;

// Costly, and without a state that a run could leave behind.
struct SharedParts {
  const Tokenizer* tokenizer = nullptr;
  AttentionProbe* attention_probe = nullptr;
  PlacementProbe* placement_probe = nullptr;
};

constexpr char kSimModel[] = "simulated";
constexpr char kSimNumerics[] = "n1";
constexpr uint32_t kSimFirstMoeLayer = 1;
constexpr uint32_t kSimMoeLayers = 2;
constexpr int kSimExperts = 8;  // Of each MoE layer.
constexpr int kSimTopK = 2;

struct World {
  World(uint32_t seed, const SharedParts& parts_in) : parts(parts_in), loop(seed), network(&loop) {}

  // The run broke a promise. All such lines end up in the test's failure.
  void Broken(const std::string& what) {
    if (broken.size() < 20) broken.push_back(absl::StrCat(absl::FormatDuration(loop.Now() - begun), ": ", what));
  }
  // What the run's story is, for whoever repeats a seed.
  void Tell(const std::string& what) {
    if (tell) tell(absl::StrCat(absl::FormatDuration(loop.Now() - begun), ": ", what));
  }

  const SharedParts parts;
  EventLoop loop;
  Network network;
  const absl::Time begun = loop.Now();
  std::vector<std::string> broken;
  std::function<void(const std::string&)> tell;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_WORLD_H_
