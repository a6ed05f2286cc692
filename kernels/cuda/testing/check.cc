#include "kernels/cuda/testing/check.h"

#include <cstdio>

namespace baleen::cuda::testing {
namespace {

constexpr int kMostPrinted = 20;
int failures = 0;

}  // namespace

std::vector<Test>& AllTests() {
  static std::vector<Test> tests;
  return tests;
}

void Expect(bool condition, const std::string& what) {
  if (condition) return;
  if (++failures <= kMostPrinted) std::printf("  FAILED: %s\n", what.c_str());
}

void ExpectOk(const Status& status) { Expect(status.ok(), status.message()); }

int Failures() { return failures; }

}  // namespace baleen::cuda::testing
