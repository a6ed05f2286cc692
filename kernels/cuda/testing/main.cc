// Runs the kernels' tests: kernel_tests [--filter=PART_OF_NAME] [--except=PART_OF_NAME]. Exit code 1 when one fails; without a GPU of
// compute capability 9.0 all are skipped and it says so. Writes a JUnit report to $XML_OUTPUT_FILE where that is set.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cuda/base/device.h"
#include "kernels/cuda/testing/check.h"

namespace baleen::cuda::testing {
namespace {

struct Result {
  std::string name;
  const char* outcome;  // "passed", "failed" or "skipped"
  double seconds;
};

Result Run(const Test& test) {
  const int before = Failures();
  const auto begin = std::chrono::steady_clock::now();
  test.body();
  ExpectOk(SynchronizeDevice());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return {test.name, Failures() == before ? "passed" : "failed", took.count()};
}

void WriteReport(const std::vector<Result>& results, const std::string& why_not) {
  const char* const path = std::getenv("XML_OUTPUT_FILE");
  if (path == nullptr) return;
  std::ofstream file(path);
  file << "<testsuites><testsuite name=\"kernels\">\n";
  for (const Result& result : results) {
    file << "<testcase name=\"" << result.name << "\" time=\"" << result.seconds << "\">";
    if (std::string_view(result.outcome) == "failed") file << "<failure/>";
    if (std::string_view(result.outcome) == "skipped") file << "<skipped message=\"" << why_not << "\"/>";
    file << "</testcase>\n";
  }
  file << "</testsuite></testsuites>\n";
}

int Main(std::string_view filter, std::string_view except) {
  const std::string why_not = DeviceProblem();
  std::printf("%s: %s\n", why_not.empty() ? "device" : "SKIPPED", why_not.empty() ? DeviceName().c_str() : why_not.c_str());
  std::vector<Result> results;
  int failed = 0;
  for (const Test& test : AllTests()) {
    if (test.name.find(filter) == std::string::npos || (!except.empty() && test.name.find(except) != std::string::npos)) continue;
    results.push_back(why_not.empty() ? Run(test) : Result{test.name, "skipped", 0});
    failed += std::string_view(results.back().outcome) == "failed" ? 1 : 0;
    std::printf("%s %s (%.2f s)\n", results.back().outcome, test.name.c_str(), results.back().seconds);
    std::fflush(stdout);
  }
  WriteReport(results, why_not);
  const int skipped = why_not.empty() ? 0 : static_cast<int>(results.size());
  std::printf("%d passed, %d failed, %d skipped\n", static_cast<int>(results.size()) - failed - skipped, failed, skipped);
  return failed == 0 && !results.empty() ? 0 : 1;
}

}  // namespace
}  // namespace baleen::cuda::testing

int main(int argc, char** argv) {
  std::string_view filter;
  std::string_view except;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--filter=")) {
      filter = argument.substr(9);
    } else if (argument.starts_with("--except=")) {
      except = argument.substr(9);
    } else {
      std::fprintf(stderr, "usage: %s [--filter=PART_OF_NAME] [--except=PART_OF_NAME]\n", argv[0]);
      return 2;
    }
  }
  return baleen::cuda::testing::Main(filter, except);
}
