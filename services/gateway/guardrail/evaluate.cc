// Prints how a guardrail policy does on labelled samples, as docs/guardrails.md has it.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "services/gateway/guardrail/evaluation.h"

ABSL_FLAG(std::string, policy, "", "policy file; empty = the one that ships");
ABSL_FLAG(std::string, samples, "services/gateway/guardrail/testdata/samples.jsonl", "labelled samples, a JSON object a line");

namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int Fail(const absl::Status& status) {
  std::cerr << status.message() << "\n";
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  std::shared_ptr<const baleen::GuardPolicy> policy = baleen::GuardPolicy::Default();
  if (const std::string path = absl::GetFlag(FLAGS_policy); !path.empty()) {
    auto parsed = baleen::GuardPolicy::Parse(ReadFile(path));
    if (!parsed.ok()) return Fail(parsed.status());
    policy = *std::move(parsed);
  }
  const auto samples = baleen::ReadSamples(ReadFile(absl::GetFlag(FLAGS_samples)));
  if (!samples.ok()) return Fail(samples.status());
  std::cout << baleen::ScoreTable(baleen::Evaluate(policy, *samples));
  return EXIT_SUCCESS;
}
