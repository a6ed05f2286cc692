// A test program for machines that have a GPU and nvcc but no test framework. Tests register themselves; testing/main.cc runs them.
#ifndef BALEEN_KERNELS_CUDA_TESTING_CHECK_H_
#define BALEEN_KERNELS_CUDA_TESTING_CHECK_H_

#include <string>
#include <vector>

#include "kernels/cuda/base/status.h"

namespace baleen::cuda::testing {

struct Test {
  std::string name;
  void (*body)();
};
std::vector<Test>& AllTests();

struct Registration {
  Registration(const char* name, void (*body)()) { AllTests().push_back({name, body}); }
};

// Counts a failure of the running test and prints it, unless `condition`.
void Expect(bool condition, const std::string& what);
void ExpectOk(const Status& status);
int Failures();

}  // namespace baleen::cuda::testing

#define BALEEN_GPU_TEST(name)                                                      \
  static void name();                                                              \
  static const ::baleen::cuda::testing::Registration register_##name(#name, name); \
  static void name()

#endif  // BALEEN_KERNELS_CUDA_TESTING_CHECK_H_
