// `bazel run //tests/simulation -- --seed=N`: tells the story of one seed; with --seeds=M runs M of them. Exit code 1: a promise was
// broken.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/shared_parts.h"

ABSL_FLAG(uint32_t, seed, 0, "the first seed");
ABSL_FLAG(uint32_t, seeds, 1, "how many seeds; with 1 the run's story is told");

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const uint32_t first = absl::GetFlag(FLAGS_seed);
  const uint32_t count = absl::GetFlag(FLAGS_seeds);
  std::function<void(const std::string&)> tell;
  if (count == 1) tell = [](const std::string& line) { std::cout << line << "\n"; };
  baleen::ScenarioResult total;
  int64_t bad = 0;
  for (uint32_t seed = first; seed < first + count; ++seed) {
    const baleen::ScenarioResult result = baleen::RunScenario(seed, baleen::GetSharedParts(), tell);
    for (const std::string& line : result.broken) std::cout << "seed " << seed << ": " << line << "\n";
    bad += result.broken.empty() ? 0 : 1;
    total.requests += result.requests;
    total.answered += result.answered;
    total.failed += result.failed;
    total.resumes += result.resumes;
    total.faults += result.faults;
    total.preemptions += result.preemptions;
    total.rebalances += result.rebalances;
    total.remote_fills += result.remote_fills;
    total.copied_blocks += result.copied_blocks;
  }
  std::cout << count << " seeds, " << bad << " bad: " << total.faults << " faults, " << total.requests << " requests, " << total.answered
            << " answered, " << total.failed << " failed, " << total.resumes << " resumes, " << total.preemptions << " preemptions, "
            << total.rebalances << " rebalances, " << total.remote_fills << " remote fills, " << total.copied_blocks << " copied blocks\n";
  return bad == 0 ? 0 : 1;
}
