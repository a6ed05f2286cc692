#include "services/common/device_flags.h"

#include <gtest/gtest.h>

#include "kernels/cuda/base/device.h"

namespace baleen {
namespace {

TEST(DeviceFlagsTest, TheCpuIsAlwaysThere) { EXPECT_EQ(ParseDevice("cpu").value(), Device::kCpu); }

TEST(DeviceFlagsTest, OtherWordsAreNamed) {
  const absl::Status status = ParseDevice("tpu").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("--device=tpu"), absl::string_view::npos) << status;
}

TEST(DeviceFlagsTest, ABuildHasCudaOrItsEmulation) {
  const auto emulated = ParseDevice("cuda-emulated");
  const auto cuda = ParseDevice("cuda");
  if (cuda::DeviceIsEmulated()) {
    EXPECT_EQ(emulated.value(), Device::kCudaEmulated);
    EXPECT_EQ(cuda.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(cuda.status().message().find("make build CUDA=1"), absl::string_view::npos) << cuda.status();
  } else {
    EXPECT_EQ(emulated.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(cuda.ok(), cuda::DeviceProblem().empty()) << cuda.status();
  }
}

}  // namespace
}  // namespace baleen
